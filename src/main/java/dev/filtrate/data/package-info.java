/**
 * Files to examples. A task is a {@link dev.filtrate.data.TaskSpec}: two files, the {@link
 * dev.filtrate.data.Layout} they share, the {@link dev.filtrate.data.Labels} and the metric that
 * selects ({@link dev.filtrate.data.Metrics}). Below it, {@code tokenize} turns text into ids and
 * {@code batch} puts them into seeded, padded batches; {@code squad} is question answering, from
 * files to windows and from logits back to answers.
 *
 * <p>Decisions: a file is decoded strictly in one encoding (a byte-order mark is dropped) and read
 * whole; a wrong byte, cell or label is a {@link dev.filtrate.base.UserError} with file and line.
 * Tab-separated files carry no quoting, as GLUE's do; comma-separated files follow RFC 4180. Rows
 * with too few columns are refused, or left out and counted where the task's files are known for
 * them ({@link dev.filtrate.data.GlueTask}: QQP). A label that is empty or {@code -1} means "none":
 * such an example adds nothing to the task's loss and to the metrics, but distillation learns from
 * it. Where labels are not listed they are inferred from the training file alone, so that another
 * file can never renumber the classes.
 *
 * <p>A file of unknown layout is looked at by {@link dev.filtrate.data.Survey}, and {@link
 * dev.filtrate.data.TaskProposal} guesses what its examples are meant for; both tell every guess.
 * Parquet is read by Apache's own reader, without Hadoop, its rows as the same text cells.
 */
@NullMarked
package dev.filtrate.data;

import org.jspecify.annotations.NullMarked;
