package dev.filtrate.data;

import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where the texts and the label stand in a file. A column is a name of the header or, where no
 * header has that name, a position counted from 0; in JSON lines it is a key, in Parquet a name.
 *
 * @param format how records are written
 * @param delimiter the character between cells (unused in JSON lines and Parquet)
 * @param quoted whether cells may be quoted as in RFC 4180 (unused in JSON lines and Parquet)
 * @param encoding how characters are written
 * @param header whether the first line names the columns (unused in JSON lines and Parquet)
 * @param sentence1 the column of the text
 * @param sentence2 the column of the second text of a pair, or null
 * @param labels the column of the label; in multi-label classification also a column of 0 and 1 for
 *     each class; none for a file without labels
 * @param skipShort whether rows with too few columns are left out and counted, not refused: GLUE's
 *     QQP has some
 */
public record Layout(
    FileFormat format,
    char delimiter,
    boolean quoted,
    Charset encoding,
    boolean header,
    String sentence1,
    @Nullable String sentence2,
    List<String> labels,
    boolean skipShort) {

  /** Copies the list; checks what no reader could work with. */
  public Layout {
    labels = List.copyOf(labels);
    Check.argument(
        delimiter != '\n' && delimiter != '\r' && !(quoted && delimiter == '"'),
        "delimiter: a line break or a quote cannot part cells");
  }

  /** The usual layout of a format: a header line, UTF-8, tabs without quoting or commas with it. */
  public static Layout of(
      FileFormat format, String sentence1, @Nullable String sentence2, @Nullable String label) {
    boolean csv = format == FileFormat.CSV;
    return new Layout(
        format,
        csv ? ',' : '\t',
        csv,
        StandardCharsets.UTF_8,
        true,
        sentence1,
        sentence2,
        label == null ? List.of() : List.of(label),
        false);
  }

  /** This layout in another encoding. */
  public Layout withEncoding(Charset other) {
    return new Layout(
        format, delimiter, quoted, other, header, sentence1, sentence2, labels, skipShort);
  }

  /** This layout with or without a header line. */
  public Layout withHeader(boolean other) {
    return new Layout(
        format, delimiter, quoted, encoding, other, sentence1, sentence2, labels, skipShort);
  }

  /** This layout with another character between cells, and with or without quoting. */
  public Layout withCells(char otherDelimiter, boolean otherQuoted) {
    return new Layout(
        format,
        otherDelimiter,
        otherQuoted,
        encoding,
        header,
        sentence1,
        sentence2,
        labels,
        skipShort);
  }

  /** This layout with other columns. */
  public Layout withColumns(
      String otherSentence1, @Nullable String otherSentence2, List<String> otherLabels) {
    return new Layout(
        format,
        delimiter,
        quoted,
        encoding,
        header,
        otherSentence1,
        otherSentence2,
        otherLabels,
        skipShort);
  }

  /** This layout where rows with too few columns are left out. */
  public Layout skippingShortRows() {
    return new Layout(
        format, delimiter, quoted, encoding, header, sentence1, sentence2, labels, true);
  }

  /**
   * The encoding of a name, such as {@code utf-8}, {@code latin1} or Python's {@code utf-8-sig}; an
   * unknown name is a {@link UserError}.
   */
  public static Charset encoding(String name) {
    String plain = name.toLowerCase(Locale.ROOT).replace('_', '-');
    if (plain.equals("utf-8-sig") || plain.equals("utf8-sig")) {
      return StandardCharsets.UTF_8; // the mark is dropped anyway
    }
    try {
      return Charset.forName(name);
    } catch (IllegalArgumentException e) {
      throw new UserError(
          "encoding: expected a name such as utf-8 or latin1, got \"" + name + "\"", e);
    }
  }
}
