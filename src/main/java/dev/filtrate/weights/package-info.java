/**
 * Weights on disk and where they come from: safetensors files, PyTorch's checkpoints, Hugging Face
 * folders, fresh numbers, a teacher's layers.
 *
 * <p>Decisions: files are mapped, never read into the heap, so a float32 checkpoint costs no copy
 * until the runtime takes it; a pickle is read by an interpreter that knows tensors and plain
 * containers and nothing else, so no file can make anything happen; names are those of the
 * checkpoint, with no table beyond old spellings; loading is strict inside the backbone in both
 * directions and says what it did outside of it ({@link dev.filtrate.weights.LoadedWeights}); an
 * initial value is a function of the seed and the parameter's name alone; what is written appears
 * whole or not at all.
 */
@NullMarked
package dev.filtrate.weights;

import org.jspecify.annotations.NullMarked;
