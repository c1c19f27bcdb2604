/**
 * Extractive question answering: SQuAD 1.1 and 2.0 from the file to windows of tokens, and from a
 * model's logits back to answers and their scores.
 *
 * <p>Decisions: positions in texts are counted in code points, as SQuAD's files and the tokenizers
 * library do; only {@link dev.filtrate.data.squad.CodePoints} knows Java's units. What has no
 * answer is told by an empty list of answers, not by {@code is_impossible}, as the official script
 * has it. Questions that cannot be learnt from are left out of training, counted and told; in
 * evaluation every question is answered. Scores are those of the official scripts, in percent.
 */
@NullMarked
package dev.filtrate.data.squad;

import org.jspecify.annotations.NullMarked;
