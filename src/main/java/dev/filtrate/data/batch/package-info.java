/**
 * Encoded examples to padded batches in a seeded order, made ahead on another thread.
 *
 * <p>Decisions: the order of an epoch is a function of the seed and the epoch alone, so a run can
 * go on at any batch of any epoch without reading what came before. Examples of like length share a
 * batch: they are sorted inside windows of the shuffled order, and the batches are shuffled again,
 * so the order stays random while little is padding. No example is dropped; the last batch of an
 * epoch may be smaller. A batch is plain little-endian memory outside the heap, which a session
 * reads without copying.
 */
@NullMarked
package dev.filtrate.data.batch;

import org.jspecify.annotations.NullMarked;
