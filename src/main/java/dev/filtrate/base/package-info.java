/**
 * What every other package leans on: argument checks, the one exception that users meet and what
 * its messages show of long values, files that appear whole or not at all, and the one source of
 * randomness.
 */
@NullMarked
package dev.filtrate.base;

import org.jspecify.annotations.NullMarked;
