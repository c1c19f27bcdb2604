/**
 * Reverse-mode differentiation of a {@link dev.filtrate.graph.GraphBuilder}'s nodes into the same
 * builder: {@link dev.filtrate.autodiff.ReverseMode} walks, one table of rules says what each
 * operator's gradient is. {@link dev.filtrate.autodiff.MixedPrecision} is what a forward graph may
 * go through before, so that the backward pass follows it.
 *
 * <p>Decisions: a rule writes the plain mathematics in the vocabulary that models use, for all
 * inputs, and leaves the rest to others: broadcasting is undone once, in the engine; what nobody
 * needs is pruned when the graph is built. An input without a gradient (ids, axes, conditions) is
 * {@code null} in its rule, and an operator that a backward pass must never reach has a rule that
 * says so. Operators with a fused form (Softmax, LayerNormalization, Gelu, Gather, Dropout) have a
 * gradient operator of their own; lowering decides which kernels that becomes. A matrix product's
 * gradients are products again with other transposition flags, never explicit transpositions, and
 * the gradient by a weight of rank 2 is one two-dimensional product.
 */
@NullMarked
package dev.filtrate.autodiff;

import org.jspecify.annotations.NullMarked;
