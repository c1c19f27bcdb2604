/**
 * A {@link dev.filtrate.recipe.Recipe} is the whole job as immutable, validated records: what is
 * trained on what, in which stages, how, and what is written.
 *
 * <p>It is read from one YAML file plus overrides; every value knows where it was written, so that
 * unknown keys, wrong types and impossible combinations are reported together, with file and line,
 * before anything starts. Keys carry the names of the released TED scripts and of Hugging Face
 * where they exist. The settings that every stage shares are written once under {@code training}; a
 * stage says only what differs. Paths of inputs are relative to the recipe's folder (to the working
 * directory when given on the command line); {@code output_dir} is always relative to the working
 * directory. {@link dev.filtrate.recipe.RecipeDraft} writes one for somebody's own data. Nothing is
 * run here.
 */
@NullMarked
package dev.filtrate.recipe;

import org.jspecify.annotations.NullMarked;
