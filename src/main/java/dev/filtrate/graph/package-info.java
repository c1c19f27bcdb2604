/**
 * The one representation of a computation: immutable records ({@link dev.filtrate.graph.Graph},
 * {@link dev.filtrate.graph.Node}, {@link dev.filtrate.graph.Value}) and the one mutable {@link
 * dev.filtrate.graph.GraphBuilder}, written through the typed vocabulary of {@link
 * dev.filtrate.graph.Ops}.
 *
 * <p>Shapes are mandatory. A {@link dev.filtrate.graph.Dim} is an integer polynomial in named sizes
 * ({@code batch}, {@code sequence}), so {@code B·S} and {@code 2S−1} are decided while building,
 * and a wrong shape fails at the call with the scope's name. What ONNX takes as small integer
 * tensors (target shapes, axes, slice bounds) are attributes here, known when building; {@code
 * dev.filtrate.onnx} turns them into tensors.
 */
@NullMarked
package dev.filtrate.graph;

import org.jspecify.annotations.NullMarked;
