/**
 * Devices, tensors that live on them, and the sessions that run graphs: the only native code.
 *
 * <p>Everything native is ONNX Runtime behind JavaCPP, and none of it leaves this package: results
 * are host tensors, numbers, or {@link dev.filtrate.runtime.DeviceTensor}s, which are opaque and
 * closed by who got them. What holds here:
 *
 * <ul>
 *   <li>One owner per piece of native memory, an idempotent {@code close}, and an error that names
 *       the owner after it. What a run allocates on the way lives in one {@code PointerScope}.
 *   <li>Whoever binds a buffer keeps it: the runtime holds addresses that the garbage collector
 *       does not see.
 *   <li>A training step is two graphs. Parameters, gradients and moments stay in the same buffers
 *       for a session's life; only the update graph may read and write one buffer in the same run.
 *   <li>The runtime's random generator is one for the process, so it is seeded before every run
 *       that draws from it, and one thread drives all sessions.
 *   <li>On CUDA, sessions share a stream and the host does not wait for it, except where it reads
 *       what came out; so what the device was asked for last may still be to come.
 *   <li>On CUDA, a session may replay: inputs and outputs then have fixed buffers for every shape,
 *       and what is left on the device is lent until its next run.
 * </ul>
 */
@NullMarked
package dev.filtrate.runtime;

import org.jspecify.annotations.NullMarked;
