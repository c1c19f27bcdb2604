package dev.filtrate.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExampleReaderTest {
  private static final Layout TSV = Layout.of(FileFormat.TSV, "sentence", null, "label");
  private static final Layout CSV = Layout.of(FileFormat.CSV, "sentence", null, "label");
  private static final Layout JSONL = Layout.of(FileFormat.JSONL, "sentence", null, "label");
  private static final Labels BINARY = Labels.classes(List.of("0", "1"));

  @TempDir Path folder;

  private Path file(String name, String text) {
    return file(name, text, StandardCharsets.UTF_8);
  }

  private Path file(String name, String text, Charset encoding) {
    try {
      return Files.write(folder.resolve(name), text.getBytes(encoding));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private String error(Path file, Layout layout, Labels labels) {
    UserError e = assertThrows(UserError.class, () -> ExampleReader.read(file, layout, labels));
    return String.valueOf(e.getMessage()).replace(folder + "/", "");
  }

  @Test
  void tabSeparatedQuotesAreOrdinaryCharacters() {
    Path f = file("t.tsv", "sentence\tlabel\n\"open quote\t1\r\na \"b\" c\t0\n");
    assertEquals(
        List.of(new Example("\"open quote", null, 1), new Example("a \"b\" c", null, 0)),
        ExampleReader.read(f, TSV, BINARY));
  }

  @Test
  void commaSeparatedCellsAreQuotedAndMayHoldLineBreaks() {
    Path f = file("t.csv", "label,sentence\n1,\"a, \"\"b\"\"\nc\"\n\n0,plain\n");
    assertEquals(
        List.of(new Example("a, \"b\"\nc", null, 1), new Example("plain", null, 0)),
        ExampleReader.read(f, CSV, BINARY));
  }

  @Test
  void jsonLinesTakeTextNumbersAndNull() {
    Path f =
        file(
            "t.jsonl",
            """
            {"label": 1, "sentence": "tab\\tand \\u00e9"}
            {"label": "0", "sentence": "b"}

            {"label": 1.0, "sentence": "c"}
            {"label": null, "sentence": "d"}
            {"sentence": "e", "more": [1]}
            """);
    assertEquals(
        List.of(1.0, 0.0, 1.0, -1.0, -1.0),
        ExampleReader.read(f, JSONL, BINARY).stream().map(Example::label).toList());
    assertEquals("tab\tand é", ExampleReader.read(f, JSONL, BINARY).get(0).sentence1());
  }

  @Test
  void aMessageIsShortWhateverTheFileHolds() {
    String long200 = "x".repeat(200);
    assertEquals(
        "a.jsonl:1: expected a JSON object on one line, got [\"" + "x".repeat(98) + "…",
        error(file("a.jsonl", "[\"" + long200 + "\"]\n"), JSONL, BINARY));
    assertEquals(
        "b.tsv:2: column 'label': expected one of [0, 1], got \"" + "x".repeat(100) + "…\"",
        error(file("b.tsv", "sentence\tlabel\ns\t" + long200 + "\n"), TSV, BINARY));
    assertEquals(
        1, error(file("c.json", "{\n  \"sentence\": 1\n}\n"), JSONL, BINARY).lines().count());
    List<String> many = IntStream.range(0, 70_000).mapToObj(i -> "class " + i).toList();
    String message = error(file("d.tsv", "sentence\tlabel\ns\tt\n"), TSV, Labels.classes(many));
    assertTrue(message.endsWith(", class 19, … 70,000 in all], got \"t\""), message);
  }

  @Test
  void numbersOfAnySizeStayWhatTheyAre() {
    Path f = file("t.jsonl", "{\"label\": 1e20, \"sentence\": \"a\"}\n");
    assertEquals(1e20, ExampleReader.read(f, JSONL, Labels.scores()).get(0).label());
  }

  @Test
  void columnsAreFoundByNameOrPosition() {
    Path named = file("named.tsv", "1\tb\ta\ny\tx\t1\n");
    assertEquals(
        new Example("x", "1", 1),
        ExampleReader.read(named, TSV.withColumns("b", "a", List.of("2")), BINARY).get(0));
    assertEquals(
        "y",
        ExampleReader.read(named, TSV.withColumns("1", null, List.of()), BINARY).get(0).sentence1(),
        "a name in the header comes before a position");
    Path bare = file("bare.tsv", "src\t1\t\ttext\n");
    assertEquals(
        new Example("text", null, 1),
        ExampleReader.read(bare, TSV.withHeader(false).withColumns("3", null, List.of("1")), BINARY)
            .get(0));
  }

  @Test
  void encodingsAreReadAndMarksDropped() {
    Path latin = file("latin.tsv", "sentence\tlabel\ncafé\t1\n", StandardCharsets.ISO_8859_1);
    assertEquals(
        "café",
        ExampleReader.read(latin, TSV.withEncoding(Layout.encoding("latin1")), BINARY)
            .get(0)
            .sentence1());
    Path marked = file("marked.tsv", "\uFEFFsentence\tlabel\ncafé\t1\n");
    assertEquals("café", ExampleReader.read(marked, TSV, BINARY).get(0).sentence1());
    Path wide = file("wide.tsv", "sentence\tlabel\ncafé\t1\n", StandardCharsets.UTF_16);
    assertEquals(
        "café",
        ExampleReader.read(wide, TSV.withEncoding(Layout.encoding("utf-16")), BINARY)
            .get(0)
            .sentence1());
    assertEquals(StandardCharsets.UTF_8, Layout.encoding("utf-8-sig"));
    assertEquals(
        "latin.tsv:2: byte 0xE9 is no UTF-8 text; give the file's encoding, such as encoding:"
            + " latin1",
        error(latin, TSV, BINARY));
    assertEquals(
        "encoding: expected a name such as utf-8 or latin1, got \"klingon\"",
        assertThrows(UserError.class, () -> Layout.encoding("klingon")).getMessage());
  }

  @Test
  void anotherDelimiterParts() {
    Path f = file("t.csv", "sentence;label\n\"a;b\";1\n");
    assertEquals("a;b", ExampleReader.read(f, CSV.withCells(';', true), BINARY).get(0).sentence1());
    assertEquals(
        "\"a",
        ExampleReader.read(
                f, CSV.withCells(';', false).withColumns("sentence", null, List.of()), BINARY)
            .get(0)
            .sentence1());
  }

  @Test
  void rowsWithoutLabelAreKept() {
    Path f = file("t.tsv", "sentence\tlabel\na\t-1\nb\t\nc\t1\n");
    List<Example> read = ExampleReader.read(f, TSV, BINARY);
    assertEquals(List.of(-1.0, -1.0, 1.0), read.stream().map(Example::label).toList());
    assertEquals(
        List.of(false, false, true),
        read.stream().map(e -> e.labelled(ProblemType.SINGLE_LABEL_CLASSIFICATION)).toList());
    Layout none = TSV.withColumns("sentence", null, List.of());
    assertEquals(-1, ExampleReader.read(f, none, BINARY).get(2).label());
    assertTrue(Double.isNaN(ExampleReader.read(f, none, Labels.scores()).get(2).label()));
  }

  @Test
  void labelsAreNamesOrNumbers() {
    Labels names = Labels.classes(List.of("negative", "positive"));
    Path f = file("t.tsv", "sentence\tlabel\na\tpositive\nb\t1\nc\t 0 \nd\t1.0\n");
    assertEquals(
        List.of(1.0, 1.0, 0.0, 1.0),
        ExampleReader.read(f, TSV, names).stream().map(Example::label).toList());
    Path wrong = file("w.tsv", "sentence\tlabel\na\t1\nb\t2\n");
    assertEquals(
        "w.tsv:3: column 'label': expected one of [0, 1], got \"2\"", error(wrong, TSV, BINARY));
    assertEquals(
        "w.tsv:3: column 'label': expected one of [0, 1], got \"2\"", error(wrong, TSV, names));
    Path word = file("v.tsv", "sentence\tlabel\na\tneutral\n");
    assertEquals(
        "v.tsv:2: column 'label': expected one of [negative, positive], got \"neutral\"",
        error(word, TSV, names));
    Labels signs = Labels.classes(List.of("-1", "1"));
    assertEquals(List.of(0.0), signs.parse("x", "-1"), "a class that is listed is a class");
  }

  @Test
  void scoresAreNumbers() {
    Path f = file("t.tsv", "sentence\tlabel\na\t3.25\nb\t-1\nc\t1e-2\n");
    assertEquals(
        List.of(3.25, -1.0, 0.01),
        ExampleReader.read(f, TSV, Labels.scores()).stream().map(Example::label).toList());
    Path wrong = file("w.tsv", "sentence\tlabel\na\thigh\n");
    assertEquals(
        "w.tsv:2: column 'label': expected a number, got \"high\"",
        error(wrong, TSV, Labels.scores()));
    Path nan = file("n.tsv", "sentence\tlabel\na\tNaN\n");
    assertEquals(
        "n.tsv:2: column 'label': expected a number, got \"NaN\"",
        error(nan, TSV, Labels.scores()));
    Path empty = file("e.tsv", "sentence\tlabel\na\t\n");
    assertEquals(
        "e.tsv:2: column 'label': expected a number, got \"\"; rows without a label are for"
            + " classification only",
        error(empty, TSV, Labels.scores()));
  }

  @Test
  void severalLabelsAreListsOrColumns() {
    Labels topics = Labels.multiple(List.of("art", "sport", "war"));
    List<List<Double>> expected =
        List.of(
            List.of(0.0, 1.0, 0.0),
            List.of(1.0, 0.0, 1.0),
            List.of(0.0, 0.0, 0.0),
            List.of(Double.NaN, Double.NaN, Double.NaN));
    Path lists =
        file(
            "l.jsonl",
            """
            {"sentence": "a", "label": ["sport"]}
            {"sentence": "b", "label": [2, "art"]}
            {"sentence": "c", "label": []}
            {"sentence": "d", "label": null}
            """);
    assertEquals(expected, targets(lists, JSONL, topics));
    Path cells = file("c.tsv", "sentence\tlabel\na\tsport\nb\twar, art\nc\t\nd\t-1\n");
    assertEquals(expected, targets(cells, TSV, topics));
    Path columns =
        file("m.csv", "sentence,art,sport,war\na,0,1,0\nb,1,0,1.0\nc,0,0,false\nd,-1,-1,\n");
    Layout many = CSV.withColumns("sentence", null, List.of("art", "sport", "war"));
    assertEquals(expected, targets(columns, many, topics));
    ProblemType several = ProblemType.MULTI_LABEL_CLASSIFICATION;
    assertEquals(topics, ExampleReader.inferLabels(lists(), JSONL, several));
    assertEquals(
        List.of(true, true, true, false),
        ExampleReader.read(lists, JSONL, topics).stream().map(e -> e.labelled(several)).toList());
  }

  private Path lists() {
    return file(
        "i.jsonl",
        "{\"sentence\":\"a\",\"label\":[\"war\",\"art\"]}\n"
            + "{\"sentence\":\"b\",\"label\":[\"sport\"]}");
  }

  private static List<List<Double>> targets(Path file, Layout layout, Labels labels) {
    return ExampleReader.read(file, layout, labels).stream().map(Example::targets).toList();
  }

  @Test
  void wrongListsOfLabelsNameTheLine() {
    Labels topics = Labels.multiple(List.of("art", "sport"));
    assertEquals(
        "a.tsv:2: column 'label': expected one of [art, sport], got \"music\"",
        error(file("a.tsv", "sentence\tlabel\na\tart,music\n"), TSV, topics));
    assertEquals(
        "b.jsonl:1: key 'label': names class art twice: \"[0,0]\"; expected the classes that apply,"
            + " not a 0 or 1 for each",
        error(file("b.jsonl", "{\"sentence\":\"a\",\"label\":[0,0]}"), JSONL, topics));
    assertEquals(
        "c.tsv:2: column 'label': expected a JSON list such as [\"a\", \"b\"], got [art",
        error(file("c.tsv", "sentence\tlabel\na\t[art\n"), TSV, topics));
    assertEquals(
        "d.csv:2: column 'sport': expected 0 or 1, got \"maybe\"",
        error(
            file("d.csv", "sentence,art,sport\na,1,maybe\n"),
            CSV.withColumns("sentence", null, List.of("art", "sport")),
            topics));
    assertEquals(
        "e.jsonl:1: key 'label': expected a list of names or numbers, got [[1]]",
        error(file("e.jsonl", "{\"sentence\":\"a\",\"label\":[[1]]}"), JSONL, topics));
    assertEquals(
        "f.tsv:2: column 'label': expected classes among [art, sport], got \"art,\"",
        error(file("f.tsv", "sentence\tlabel\na\tart,\n"), TSV, topics));
  }

  @Test
  void questionsAfterTheirClassAreRead() {
    Path f = file("t.label", "DESC:manner How did it begin ?\nNUM:other  What number ? \n\n");
    Layout trec = Layout.of(FileFormat.TREC, "text", null, "coarse");
    Labels coarse = Labels.classes(List.of("DESC", "NUM"));
    assertEquals(
        List.of(new Example("How did it begin ?", null, 0), new Example("What number ?", null, 1)),
        ExampleReader.read(f, trec, coarse));
    assertEquals(
        List.of("DESC:manner", "NUM:other"),
        ExampleReader.inferLabels(
                f,
                Layout.of(FileFormat.TREC, "text", null, "fine"),
                ProblemType.SINGLE_LABEL_CLASSIFICATION)
            .names());
    assertEquals(
        "w.label:1: expected COARSE:fine and a question, got What is this ?",
        error(file("w.label", "What is this ?\n"), trec, coarse));
    assertEquals(
        "t.label: no column 'class'; known: [coarse, fine, text]",
        error(f, Layout.of(FileFormat.TREC, "text", null, "class"), coarse));
    assertEquals(FileFormat.TREC, FileFormat.of(f));
  }

  @Test
  void shortRowsAreLeftOutAndCountedWhereTheLayoutSaysSo() {
    Path f = file("t.tsv", "sentence\tlabel\na\t1\nlost its tab\nb\t0\n");
    List<String> notes = new ArrayList<>();
    Layout skipping = TSV.skippingShortRows();
    assertEquals(2, ExampleReader.read(f, skipping, BINARY, notes::add).size());
    assertEquals(List.of(f + ": left out 1 row with too few columns"), notes);
    assertEquals(
        "t.tsv:3: expected at least 2 columns, got 1; columns are parted by tabs",
        error(f, TSV, BINARY));
  }

  @Test
  void tooFewColumnsNameTheLine() {
    Path f = file("t.tsv", "sentence\tlabel\na\t1\nno tab here\n");
    assertEquals(
        "t.tsv:3: expected at least 2 columns, got 1; columns are parted by tabs",
        error(f, TSV, BINARY));
    Path csv = file("t.csv", "sentence,label\n\"a\nb\",1\nonly\n");
    assertEquals(
        "t.csv:4: expected at least 2 columns, got 1; columns are parted by ','",
        error(csv, CSV, BINARY));
  }

  @Test
  void unknownColumnsListTheKnown() {
    Path f = file("t.tsv", "text\tlabel\na\t1\n");
    assertEquals(
        "t.tsv:1: no column 'sentence'; known: [text, label] (parted by tabs)",
        error(f, TSV, BINARY));
    assertEquals(
        "t.tsv: no column 'sentence': without a header line columns are positions, counted from 0",
        error(f, TSV.withHeader(false), BINARY));
    Path j =
        file("t.jsonl", "{\"sentence\": \"a\", \"label\": 1}\n{\"text\": \"a\", \"label\": 1}\n");
    assertEquals("t.jsonl:2: no key 'sentence'; known: [text, label]", error(j, JSONL, BINARY));
    Path twice = file("twice.tsv", "sentence\tsentence\tlabel\na\tb\t1\n");
    assertEquals(
        "twice.tsv:1: the header names column 'sentence' twice; give its position, counted from 0",
        error(twice, TSV, BINARY));
  }

  @Test
  void brokenRecordsNameTheLine() {
    Path csv = file("t.csv", "sentence,label\na,1\n\"b,1\n");
    assertEquals(
        "t.csv:3: a quoted cell is malformed or not closed; inside quotes a quote is written twice",
        error(csv, CSV, BINARY));
    Path json = file("t.jsonl", "{\"sentence\": \"a\", \"label\": 1}\n{\"sentence\": \n");
    assertTrue(
        error(json, JSONL, BINARY).startsWith("t.jsonl:2: expected a JSON object on one line: "));
    Path array = file("a.jsonl", "[1]\n");
    assertEquals(
        "a.jsonl:1: expected a JSON object on one line, got [1]", error(array, JSONL, BINARY));
    Path nested = file("n.jsonl", "{\"sentence\": [\"a\"], \"label\": 1}\n");
    assertEquals(
        "n.jsonl:1: key 'sentence': expected text or a number, got [\"a\"]",
        error(nested, JSONL, BINARY));
  }

  @Test
  void missingAndEmptyFilesAreNamed() {
    assertEquals("none.tsv: no such file", error(folder.resolve("none.tsv"), TSV, BINARY));
    assertTrue(error(folder, TSV, BINARY).endsWith(": expected a file, found a folder"));
    assertEquals(
        "e.tsv: holds no examples; expected a line for each below the header",
        error(file("e.tsv", ""), TSV, BINARY));
    assertEquals(
        "h.tsv: holds no examples; expected a line for each below the header",
        error(file("h.tsv", "sentence\tlabel\n"), TSV, BINARY));
    assertEquals(
        "e.jsonl: holds no examples; expected a line for each",
        error(file("e.jsonl", "\n"), JSONL, BINARY));
  }

  @Test
  void formatsGoByEnding() {
    assertEquals(FileFormat.CSV, FileFormat.of(Path.of("a.CSV")));
    assertEquals(FileFormat.JSONL, FileFormat.of(Path.of("a.json")));
    assertEquals(
        "a.xlsx: the ending does not tell the format; give it as format: tsv, csv, jsonl,"
            + " trec or parquet",
        assertThrows(UserError.class, () -> FileFormat.of(Path.of("a.xlsx"))).getMessage());
    assertEquals(
        "format: expected one of [tsv, csv, jsonl, trec, parquet], got \"xml\"",
        assertThrows(UserError.class, () -> FileFormat.named("xml")).getMessage());
  }
}
