/**
 * The slim student: from a trained model to a folder that any ONNX runtime serves, and back from
 * such a folder to answers.
 *
 * <p>Decisions: an export is built anew for inference, never a training graph with a flag turned;
 * it passes through a list of named {@linkplain dev.filtrate.export.Pass passes}, each of which
 * promises something that is checked; it holds standard operators only. Weight matrices are stored
 * as the products read them, {@code [in, out]}, so that runtimes pack and quantizers find them.
 * What was written is loaded again and {@linkplain dev.filtrate.export.Agreement proven} against
 * the model that it was made from; without the proof there is no folder. Other precisions are
 * further passes over the same graph; each file is {@linkplain dev.filtrate.export.Measurement
 * measured}, and one that answers too badly is left out. Beside it go, when asked for, the
 * {@linkplain dev.filtrate.export.TrainingArtifacts artifacts} with which ONNX Runtime's training
 * API trains it on, proven likewise. A finished model answers texts, pairs and questions alike
 * whether it was exported or not, and a GLUE task's test files in the leaderboard's format ({@link
 * dev.filtrate.export.Submission}).
 */
@NullMarked
package dev.filtrate.export;

import org.jspecify.annotations.NullMarked;
