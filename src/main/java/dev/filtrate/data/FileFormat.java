package dev.filtrate.data;

import dev.filtrate.base.UserError;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/** How records are written in a data file. */
public enum FileFormat {
  /** A line per record, cells between tabs, no quoting: a {@code "} is an ordinary character. */
  TSV,
  /** Comma-separated values with quoting, as in RFC 4180; a quoted cell may hold line breaks. */
  CSV,
  /** A JSON object per line. */
  JSONL,
  /**
   * A line per question, {@code COARSE:fine text}, as the TREC question classes are written.
   * Columns are {@code coarse}, {@code fine} (both parts, {@code COARSE:fine}) and {@code text}.
   */
  TREC,
  /** Apache Parquet: named columns of texts, numbers and lists. */
  PARQUET;

  /** The spelling in recipes. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether it is rows of cells whose first line may name the columns. */
  boolean isText() {
    return this == TSV || this == CSV;
  }

  /** The format of that spelling; anything else is a {@link UserError}. */
  public static FileFormat named(String id) {
    for (FileFormat format : values()) {
      if (format.id().equals(id)) {
        return format;
      }
    }
    throw UserError.of(
        "format: expected one of %s, got \"%s\"",
        Arrays.stream(values()).map(FileFormat::id).toList(), id);
  }

  /** The format by the file's ending; an unknown ending is a {@link UserError}. */
  public static FileFormat of(Path file) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".tsv") || name.endsWith(".txt")) {
      return TSV;
    }
    if (name.endsWith(".csv")) {
      return CSV;
    }
    if (name.endsWith(".jsonl") || name.endsWith(".json")) {
      return JSONL;
    }
    if (name.endsWith(".label")) {
      return TREC;
    }
    if (name.endsWith(".parquet")) {
      return PARQUET;
    }
    throw UserError.of(
        "%s: the ending does not tell the format; give it as format: tsv, csv, jsonl, trec or"
            + " parquet",
        file);
  }
}
