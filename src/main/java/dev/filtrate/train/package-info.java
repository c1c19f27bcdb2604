/**
 * Stages, the loop that runs them, metrics, checkpoints and recipes.
 *
 * <p>A {@link dev.filtrate.train.Recipe} is the whole job as immutable, validated records. It is
 * read from one YAML file plus overrides; every value knows where it was written, so that unknown
 * keys, wrong types and impossible combinations are reported together, with file and line, before
 * anything starts. Keys carry the names of the released TED scripts and of Hugging Face where they
 * exist. The settings that every stage shares are written once under {@code training}; a stage says
 * only what differs. Paths of inputs are relative to the recipe's folder (to the working directory
 * when given on the command line); {@code output_dir} is always relative to the working directory.
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
