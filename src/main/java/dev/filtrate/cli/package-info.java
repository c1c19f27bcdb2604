/**
 * Commands: parse flags, wire what lives below, print, exit code. The only package that prints and
 * exits.
 *
 * <p>A verb is a {@link dev.filtrate.cli.Command}, listed in {@link dev.filtrate.cli.Commands}.
 * Flags carry the released names with underscores; hyphens are accepted for them. Exit codes: 0
 * done, 1 a check failed, 2 bad input (one sentence on standard error), 3 a defect of this program,
 * 130 stopped by Ctrl-C. A single stage is a recipe made of flags: {@link
 * dev.filtrate.cli.RecipeFlags} is the one table from flags to recipe keys, so both ways in go
 * through the same validation.
 */
@NullMarked
package dev.filtrate.cli;

import org.jspecify.annotations.NullMarked;
