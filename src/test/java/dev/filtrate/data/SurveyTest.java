package dev.filtrate.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SurveyTest {
  @TempDir private Path folder;

  private Survey survey(String name, String content) throws IOException {
    return survey(name, content, StandardCharsets.UTF_8);
  }

  private Survey survey(String name, String content, Charset encoding) throws IOException {
    Path file = folder.resolve(name);
    Files.write(file, content.getBytes(encoding));
    return Survey.of(file);
  }

  private static List<String> names(Survey survey) {
    return survey.columns().stream().map(SurveyColumn::name).toList();
  }

  private static String rows(String pattern, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> pattern.formatted(i, i % 2))
        .collect(Collectors.joining("\n", "", "\n"));
  }

  @Test
  void commasQuotesAndAHeaderAreFoundOut() throws IOException {
    Survey s =
        survey("a.csv", "review,stars\n\"good, \"\"so\"\"\nand on\",5\n\"bad\",1\nfine,5\nmeh,3\n");
    assertEquals(FileFormat.CSV, s.layout().format());
    assertEquals(',', s.layout().delimiter());
    assertTrue(s.layout().quoted() && s.layout().header());
    assertEquals(List.of("review", "stars"), names(s));
    assertEquals(4, s.rows());
    assertEquals(List.of("5", "1", "3"), List.copyOf(s.column("stars").values().keySet()));
    assertEquals(2, s.column("stars").values().get("5"));
    assertTrue(s.column("stars").isNumber() && !s.column("stars").hasFractions());
    assertEquals(List.of(), s.notes());
  }

  @Test
  void tabsKeepQuotesAsTheyAre() throws IOException {
    Survey s = survey("a.txt", "sentence\tlabel\n" + rows("\"so %d he said, and\t%d", 9));
    assertEquals(FileFormat.TSV, s.layout().format());
    assertFalse(s.layout().quoted());
    assertEquals(9, s.rows());
    Survey q = survey("b.tsv", "sentence\tlabel\n" + rows("\"so %d\the said\"\t%d", 9));
    assertTrue(q.layout().quoted());
    assertEquals(2, q.columns().size());
  }

  @Test
  void semicolonsAndOldEncodingsAreFoundOut() throws IOException {
    Survey s =
        survey(
            "a.csv",
            "texte;avis\n" + rows("été %d, très bien;%d", 8),
            Charset.forName("windows-1252"));
    assertEquals(';', s.layout().delimiter());
    assertEquals(Charset.forName("windows-1252"), s.layout().encoding());
    assertEquals(List.of("the file is no UTF-8, so it is read as windows-1252"), s.notes());
    Survey wide = survey("b.csv", "text,label\n" + rows("a %d,%d", 4), StandardCharsets.UTF_16);
    assertEquals(StandardCharsets.UTF_16, wide.layout().encoding());
    assertEquals(List.of("text", "label"), names(wide));
  }

  @Test
  void aFirstLineThatIsAnExampleIsNoHeader() throws IOException {
    Survey s = survey("a.csv", "a great film,pos\nso dull,neg\nlovely,pos\n");
    assertFalse(s.layout().header());
    assertEquals(List.of("0", "1"), names(s));
    assertEquals(3, s.rows());
    assertEquals(2, s.column("1").values().get("pos"));
    Survey numbers = survey("b.csv", "\"3\",\"Wall St.\",\"Bears\"\n\"4\",\"Sea\",\"Ships\"\n");
    assertFalse(numbers.layout().header());
  }

  @Test
  void linesOfJsonMayLackKeys() throws IOException {
    Survey s =
        survey(
            "a.jsonl",
            """
            {"text": "a", "tags": ["x"], "meta": {"a": 1}}

            {"tags": [], "score": 2.0, "text": null}
            """);
    assertEquals(FileFormat.JSONL, s.layout().format());
    assertEquals(List.of("text", "tags", "score"), names(s));
    assertEquals(2, s.rows());
    assertEquals(1, s.column("text").filled());
    assertTrue(s.column("tags").isList());
    assertEquals(List.of("2"), List.copyOf(s.column("score").values().keySet()));
  }

  @Test
  void rowsWithTooFewColumnsAreCounted() throws IOException {
    Survey s = survey("a.tsv", "id\ttext\tlabel\n" + rows("%d\tsome words\t%d", 30) + "31\tx\n");
    assertTrue(s.layout().skipShort());
    assertEquals(List.of("1 row has too few columns and is left out"), s.notes());
  }

  @Test
  void whatIsNoTableIsRefused() {
    assertEquals(
        folder.resolve("a.txt")
            + ": holds no columns; expected cells between tabs, commas, semicolons or '|', JSON"
            + " lines or Parquet",
        refusal("a.txt", "one line\nanother line\n"));
    assertEquals(
        folder.resolve("b.json") + ": is one JSON list; expected JSON lines, an object on each",
        refusal("b.json", "[{\"a\": 1}]"));
    assertEquals(
        folder.resolve("c.csv") + ": is empty; expected a row for each example",
        refusal("c.csv", " \n"));
    assertEquals(
        folder.resolve("d.json")
            + ": is a file like SQuAD's; 'filtrate recipe squad' shows a recipe for those",
        refusal("d.json", "{\"data\": [{\"paragraphs\": [{\"qas\": []}]}]}"));
  }

  private String refusal(String name, String content) {
    return String.valueOf(assertThrows(UserError.class, () -> survey(name, content)).getMessage());
  }

  private TaskProposal proposal(String name, String content) throws IOException {
    return TaskProposal.of(survey(name, content), TaskProposal.Choices.NONE);
  }

  @Test
  void textAndLabelGoByTheirNames() throws IOException {
    TaskProposal p = proposal("a.csv", "id,label,text\n" + rows("%1$d,%2$d,a b c", 40));
    assertEquals("text", p.task().layout().sentence1());
    assertEquals(List.of("label"), p.task().layout().labels());
    assertEquals(ProblemType.SINGLE_LABEL_CLASSIFICATION, p.task().problemType());
    assertEquals(List.of("0", "1"), p.task().labels());
    assertEquals(20, p.classes().get("0"));
    assertEquals(0.2, p.task().validationFraction());
    assertEquals(
        List.of(
            "'label' is the label, by its name",
            "'text' is the text: by its name",
            "not used: id",
            "20 % of the rows are held out to evaluate on"),
        p.assumptions());
  }

  @Test
  void othersGoByTheirCells() throws IOException {
    TaskProposal p = proposal("a.csv", "wer,was,wie\n" + rows("w%d,viele Worte hier,art %d", 40));
    assertEquals("was", p.task().layout().sentence1());
    assertEquals(List.of("wie"), p.task().layout().labels());
    assertEquals(List.of("art 0", "art 1"), p.task().labels());
  }

  @Test
  void pairsAndScoresAreFoundOut() throws IOException {
    TaskProposal p =
        proposal("a.tsv", "sentence1\tsentence2\tscore\n" + rows("a %1$d\tb\t%1$d.5", 40));
    assertEquals("sentence2", p.task().layout().sentence2());
    assertEquals(ProblemType.REGRESSION, p.task().problemType());
    assertEquals(List.of(), p.task().labels());
  }

  @Test
  void severalLabelsAtOnceAreFoundOut() throws IOException {
    TaskProposal flags =
        proposal("a.csv", "comment,toxic,rude,threat\n" + rows("words %d,%d,0,1", 40));
    assertEquals(ProblemType.MULTI_LABEL_CLASSIFICATION, flags.task().problemType());
    assertEquals(List.of("toxic", "rude", "threat"), flags.task().layout().labels());
    assertEquals(20, flags.classes().get("toxic"));
    TaskProposal lists =
        proposal(
            "b.jsonl",
            """
            {"text": "a", "labels": ["x", "y"]}
            {"text": "b", "labels": ["y"]}
            """);
    assertEquals(ProblemType.MULTI_LABEL_CLASSIFICATION, lists.task().problemType());
    assertEquals(List.of("x", "y"), lists.task().labels());
    assertEquals(2, lists.classes().get("y"));
  }

  @Test
  void aFileBesideTheTrainingFileIsEvaluatedOn() throws IOException {
    Files.writeString(folder.resolve("dev.csv"), "text,label\na,1\n");
    TaskProposal p = proposal("train.csv", "text,label\n" + rows("a %d,%d", 40));
    assertEquals(folder.resolve("dev.csv"), p.task().validationFile());
    assertEquals(0, p.task().validationFraction());
  }

  @Test
  void whereNothingLooksLikeALabelOneMustBeNamed() throws IOException {
    Survey s = survey("a.csv", "id,text\n" + rows("%1$d,words %1$d", 40));
    assertEquals(
        folder.resolve("a.csv")
            + ": no column looks like a label; name it with --label_key: id, text",
        assertThrows(UserError.class, () -> TaskProposal.of(s, TaskProposal.Choices.NONE))
            .getMessage());
  }

  @Test
  void numbersOfClassesGetTheNamesThatTheFileHas() {
    Survey s = Survey.of(Path.of("src/test/resources/parquet/reviews.parquet"));
    TaskProposal p = TaskProposal.of(s, TaskProposal.Choices.NONE);
    assertEquals(List.of("neg", "pos"), p.task().labels());
    assertEquals(30, p.classes().get("pos"));
  }
}
