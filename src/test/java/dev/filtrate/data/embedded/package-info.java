/**
 * The generator of the embedded default task in {@code data/default}: reviews in plain English
 * whose verdict follows from rules of composition. A test holds the files to the generator.
 */
@NullMarked
package dev.filtrate.data.embedded;

import org.jspecify.annotations.NullMarked;
