/**
 * What people look at of a run: {@code report.html}, tables, runs beside each other, TensorBoard's
 * event files.
 *
 * <p>A report is a function of the files in a run's folder ({@link dev.filtrate.report.RunFolder})
 * and of nothing else, so it can be made anew for any folder, also one whose run was interrupted.
 * What is missing there is left out of the page. The page is one file that loads nothing from
 * elsewhere: style, program and Apache ECharts (compressed) are in it, and the data as JSON; texts
 * of data files are never markup.
 */
@NullMarked
package dev.filtrate.report;

import org.jspecify.annotations.NullMarked;
