/** Stages, the loop that runs them, metrics, checkpoints and recipes. */
@NullMarked
package dev.filtrate.train;

import org.jspecify.annotations.NullMarked;
