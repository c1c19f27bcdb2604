/**
 * What a {@link dev.filtrate.recipe.Recipe} says is done here: stages, the loop that runs them,
 * evaluation, checkpoints, and what a run leaves in its folder.
 *
 * <p>A task is labelled texts ({@link dev.filtrate.train.LabelEvaluator}) or questions ({@link
 * dev.filtrate.train.SpanEvaluator}); the stages know neither. What a frozen model says of an
 * example never changes, so it can be kept in a file, which is a cache and nothing more: damaged,
 * absent or of another teacher, it is computed again. A plan times a few steps of every stage
 * before hours are spent.
 */
@NullMarked
package dev.filtrate.train;

import org.jspecify.annotations.NullMarked;
