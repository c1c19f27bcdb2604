/**
 * Proof against the reference: models, gradients and whole trajectories that another implementation
 * computed and stored as a folder ({@link dev.filtrate.train.verify.ReferenceCase}), computed again
 * by the classes that train ({@link dev.filtrate.train.StageGraphs}, {@link
 * dev.filtrate.train.Engine}, {@link dev.filtrate.runtime.TrainingSession}) and compared ({@link
 * dev.filtrate.train.verify.Verification}).
 *
 * <p>Decisions: tolerances are those of float32 on a CPU against a reference in float64 and are not
 * settings; what the reference marks as NaN is not compared; what is missing in a case or does not
 * belong to it is an error, so that nothing counts as proven that was not looked at.
 */
@NullMarked
package dev.filtrate.train.verify;

import org.jspecify.annotations.NullMarked;
