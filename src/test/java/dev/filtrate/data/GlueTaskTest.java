package dev.filtrate.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.filtrate.base.Shared;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GlueTaskTest {
  @TempDir Path folder;

  private void file(String name, String... lines) {
    try {
      Path file = folder.resolve(name);
      Files.writeString(file, String.join("\n", lines) + "\n");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private TaskData read(GlueTask task) {
    return TaskData.read(task.spec(folder), 1);
  }

  private static Example pair(String first, String second, double label) {
    return new Example(first, second, label);
  }

  @Test
  void namesMetricsAndClassesAreTheReleasedOnes() {
    Map<String, String> metrics = new TreeMap<>();
    for (GlueTask task : GlueTask.values()) {
      metrics.put(task.id(), task.metric());
    }
    assertEquals(
        new TreeMap<>(
            Map.of(
                "cola", "matthews_correlation",
                "mnli", "accuracy",
                "mrpc", "f1",
                "qnli", "accuracy",
                "qqp", "f1",
                "rte", "accuracy",
                "sst2", "accuracy",
                "stsb", "spearmanr",
                "wnli", "accuracy")),
        metrics);
    assertEquals(
        List.of("entailment", "neutral", "contradiction"), GlueTask.named("MNLI").labels());
    assertEquals(
        "task_name: expected one of [cola, sst2, mrpc, stsb, qqp, mnli, qnli, rte, wnli], got"
            + " \"boolq\"",
        assertThrows(UserError.class, () -> GlueTask.named("boolq")).getMessage());
    assertNull(GlueTask.find("trec"));
  }

  @Test
  void sentencesAreReadAsGlueDistributesThem() {
    file("train.tsv", "sentence\tlabel", "good\t1", "bad\t0");
    file("dev.tsv", "sentence\tlabel", "fine\t1");
    assertEquals(List.of(new Example("fine", null, 1)), read(GlueTask.SST2).validation());
    file("train.tsv", "gj04\t1\t\tThey ran.", "gj04\t0\t*\tThey runs.");
    file("dev.tsv", "gj04\t0\t*\tShe run.");
    assertEquals(List.of(new Example("She run.", null, 0)), read(GlueTask.COLA).validation());
  }

  @Test
  void paraphrasesAreReadAsGlueAndAsMicrosoftDistributesThem() {
    String header = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String";
    file("msr_paraphrase_train.txt", "\uFEFF" + header, "1\t7\t8\ta \"b\tc");
    file("msr_paraphrase_test.txt", "\uFEFF" + header, "0\t7\t8\td\te");
    TaskData microsoft = read(GlueTask.MRPC);
    assertEquals(List.of(pair("a \"b", "c", 1)), microsoft.train());
    assertEquals(List.of(pair("d", "e", 0)), microsoft.validation());
    file("train.tsv", header, "1\t7\t8\tf\tg");
    file("dev.tsv", header, "1\t7\t8\th\ti");
    assertEquals(List.of(pair("h", "i", 1)), read(GlueTask.MRPC).validation());
  }

  @Test
  void scoresAreReadAsGlueAndAsTheBenchmarkDistributesThem() {
    file("sts-train.csv", "news\tMSR\t2012\t1\t2.750\ta\tb\tmore\tcolumns");
    file("sts-dev.csv", "news\tMSR\t2012\t1\t5.000\tc\td");
    TaskData benchmark = read(GlueTask.STSB);
    assertEquals(ProblemType.REGRESSION, benchmark.labels().problemType());
    assertEquals(List.of(pair("a", "b", 2.75)), benchmark.train());
    String header =
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore";
    file("train.tsv", header, "0\tg\tf\ty\t1\tnone\tnone\te\tf\t0.5");
    file("dev.tsv", header, "0\tg\tf\ty\t1\tnone\tnone\tg\th\t4");
    assertEquals(List.of(pair("g", "h", 4)), read(GlueTask.STSB).validation());
  }

  @Test
  void questionPairsThatLackAColumnAreLeftOutAndCounted() {
    String header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate";
    file("train.tsv", header, "1\t2\t3\ta\tb\t1", "4\t5\t6\tc", "7\t8\t9\td\te\t0");
    file("dev.tsv", header, "1\t2\t3\tf\tg\t0");
    TaskData data = read(GlueTask.QQP);
    assertEquals(List.of(pair("a", "b", 1), pair("d", "e", 0)), data.train());
    assertEquals(
        List.of(folder.resolve("train.tsv") + ": left out 1 row with too few columns"),
        data.notes());
  }

  @Test
  void inferenceIsReadInItsThreeLayoutsWithTheMismatchedSet() {
    file("train.jsonl", "{\"premise\":\"a\",\"hypothesis\":\"b\",\"label\":\"neutral\"}");
    file("dev_matched.jsonl", "{\"premise\":\"c\",\"hypothesis\":\"d\",\"label\":2}");
    TaskData keys = read(GlueTask.MNLI);
    assertEquals(List.of(pair("c", "d", 2)), keys.validation());
    assertEquals(List.of(), keys.mismatched());
    String row = "{\"gold_label\":\"%s\",\"sentence1\":\"e\",\"sentence2\":\"f\"}";
    file("multinli_1.0_train.jsonl", row.formatted("contradiction"));
    file("multinli_1.0_dev_matched.jsonl", row.formatted("entailment"), row.formatted("-"));
    file("multinli_1.0_dev_mismatched.jsonl", row.formatted("neutral"));
    TaskData official = read(GlueTask.MNLI);
    assertEquals(List.of(pair("e", "f", 0), pair("e", "f", -1)), official.validation());
    assertEquals(List.of(pair("e", "f", 1)), official.mismatched());
    file("train.tsv", "index\tsentence1\tsentence2\tlabel1\tgold_label", "0\tg\th\tx\tneutral");
    file(
        "dev_matched.tsv",
        "index\tsentence1\tsentence2\tlabel1\tlabel2\tgold_label",
        "0\ti\tj\tx\ty\tentailment");
    file("dev_mismatched.tsv", "index\tsentence1\tsentence2\tgold_label", "0\tk\tl\tneutral");
    TaskData glue = read(GlueTask.MNLI);
    assertEquals(List.of(pair("g", "h", 1)), glue.train());
    assertEquals(List.of(pair("i", "j", 0)), glue.validation());
    assertEquals(List.of(pair("k", "l", 1)), glue.mismatched());
  }

  @Test
  void entailmentOfTwoKindsIsRead() {
    file("train.tsv", "index\tquestion\tsentence\tlabel", "0\ta\tb\tnot_entailment");
    file("dev.tsv", "index\tquestion\tsentence\tlabel", "0\tc\td\tentailment");
    assertEquals(List.of(pair("a", "b", 1)), read(GlueTask.QNLI).train());
    file("train.tsv", "index\tsentence1\tsentence2\tlabel", "0\ta\tb\tentailment");
    file("dev.tsv", "index\tsentence1\tsentence2\tlabel", "0\tc\td\tnot_entailment");
    assertEquals(List.of(pair("c", "d", 1)), read(GlueTask.RTE).validation());
    file("train.tsv", "index\tsentence1\tsentence2\tlabel", "0\ta\tb\t1");
    file("dev.tsv", "index\tsentence1\tsentence2\tlabel", "0\tc\td\t0");
    assertEquals(List.of(pair("a", "b", 1)), read(GlueTask.WNLI).train());
  }

  @Test
  void labelsThatTheTaskDoesNotHaveNameTheLine() {
    file("train.tsv", "index\tsentence1\tsentence2\tlabel", "0\ta\tb\tneutral");
    file("dev.tsv", "index\tsentence1\tsentence2\tlabel", "0\tc\td\tnot_entailment");
    UserError e = assertThrows(UserError.class, () -> read(GlueTask.RTE));
    assertEquals(
        folder.resolve("train.tsv")
            + ":2: column 'label': expected one of [entailment, not_entailment], got \"neutral\"",
        e.getMessage());
  }

  private static Layout test(GlueTask task) {
    return task.tests(Path.of("x")).get(0).layout();
  }

  @Test
  void testFilesAreReadWithoutLabels() {
    file("test.tsv", "index\tsentence", "0\tWhistled Bill ?");
    GlueTest cola = GlueTask.COLA.tests(folder).get(0);
    assertEquals("CoLA.tsv", cola.answers());
    assertEquals("Whistled Bill ?", cola.read().get(0).sentence1());
    assertEquals("#2 String", test(GlueTask.MRPC).sentence2());
    assertEquals(
        List.of("MNLI-m.tsv", "MNLI-mm.tsv", "AX.tsv"),
        GlueTask.MNLI.tests(folder).stream().map(GlueTest::answers).toList());
    file("test.tsv", "id\tquestion1\tquestion2", "0\tno second question");
    GlueTest qqp = GlueTask.QQP.tests(folder).get(0);
    UserError e = assertThrows(UserError.class, qqp::read);
    assertEquals(
        qqp.file() + ":2: expected at least 3 columns, got 2; columns are parted by tabs",
        e.getMessage());
  }

  private static TaskData shared(GlueTask task, String data) {
    return TaskData.read(task.spec(Shared.path("datasets/" + data)), 1);
  }

  private static String counts(List<Example> examples) {
    return examples.stream()
        .collect(Collectors.groupingBy(Example::label, TreeMap::new, Collectors.counting()))
        .values()
        .toString();
  }

  private static List<Example> dev(GlueTask task, String file) {
    Path path = Shared.path("datasets/" + file);
    Layout layout = task.layout(path);
    return ExampleReader.read(
        path,
        layout == null ? task.layout(FileFormat.of(path)) : layout,
        Labels.classes(task.labels()));
  }

  @Test
  void realSentencesHaveTheirCounts() {
    TaskData sst2 = shared(GlueTask.SST2, "SST-2");
    assertEquals("[29780, 37569]", counts(sst2.train()));
    assertEquals("[428, 444]", counts(sst2.validation()));
    assertEquals(
        "it 's a charming and often affecting journey . ", sst2.validation().get(0).sentence1());
    assertEquals(1_821, dev(GlueTask.SST2, "SST-2/test.labelled.tsv").size());
    TaskData cola = shared(GlueTask.COLA, "CoLA");
    assertEquals(8_551, cola.train().size());
    assertEquals("[322, 721]", counts(cola.validation()));
    assertEquals(1_063, GlueTask.COLA.tests(Shared.path("datasets/CoLA")).get(0).read().size());
  }

  @Test
  void realPairsHaveTheirCounts() {
    TaskData rte = shared(GlueTask.RTE, "RTE");
    assertEquals("[1249, 1241]", counts(rte.train()));
    assertEquals("[146, 131]", counts(rte.validation()));
    assertEquals(3_000, GlueTask.RTE.tests(Shared.path("datasets/RTE")).get(0).read().size());
    TaskData wnli = shared(GlueTask.WNLI, "WNLI");
    assertEquals(635, wnli.train().size());
    assertEquals("[40, 31]", counts(wnli.validation()));
    assertEquals(146, GlueTask.WNLI.tests(Shared.path("datasets/WNLI")).get(0).read().size());
    TaskData mrpc = shared(GlueTask.MRPC, "MRPC");
    assertEquals("[1323, 2753]", counts(mrpc.train()));
    assertEquals("[578, 1147]", counts(mrpc.validation()));
    TaskData stsb = shared(GlueTask.STSB, "STS-B");
    assertEquals(5_749, stsb.train().size());
    assertEquals(1_500, stsb.validation().size());
    assertEquals(4.75, stsb.validation().get(1).label());
    assertEquals("A young child is riding a horse.", stsb.validation().get(1).sentence1());
  }

  @Test
  void realPartsHaveTheirCounts() {
    assertEquals("[14750, 8747]", counts(dev(GlueTask.QQP, "QQP/train.subset.tsv")));
    assertEquals("[2702, 2761]", counts(dev(GlueTask.QNLI, "QNLI/dev.tsv")));
    assertEquals(5_463, GlueTask.QNLI.tests(Shared.path("datasets/QNLI")).get(0).read().size());
    assertEquals("[3479, 3123, 3213]", counts(dev(GlueTask.MNLI, "MNLI/dev_matched.jsonl")));
    assertEquals("[3329, 3235, 3278]", counts(dev(GlueTask.MNLI, "SNLI/dev.jsonl")));
  }

  @Test
  void realTopicsHaveTheirCounts() {
    Path train = Shared.path("datasets/TREC/train_5500.label");
    Layout trec =
        Layout.of(FileFormat.TREC, "text", null, "coarse")
            .withEncoding(StandardCharsets.ISO_8859_1);
    ProblemType one = ProblemType.SINGLE_LABEL_CLASSIFICATION;
    Labels coarse = ExampleReader.inferLabels(train, trec, one);
    assertEquals(List.of("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"), coarse.names());
    assertEquals(
        "[86, 1162, 1250, 1223, 835, 896]", counts(ExampleReader.read(train, trec, coarse)));
    Layout fine = trec.withColumns("text", null, List.of("fine"));
    assertEquals(50, ExampleReader.inferLabels(train, fine, one).count());
    Path test = Shared.path("datasets/TREC/TREC_10.label");
    assertEquals(500, ExampleReader.read(test, trec, coarse).size());
    Function<String, Path> news = name -> Shared.path("datasets/ag_news_csv/" + name);
    Layout subset = Layout.of(FileFormat.TSV, "0", null, "1").withHeader(false);
    Labels topics = ExampleReader.inferLabels(news.apply("train.subset.tsv"), subset, one);
    assertEquals(List.of("Business", "Sci/Tech", "Sports", "World"), topics.names());
    assertEquals(10_001, ExampleReader.read(news.apply("train.subset.tsv"), subset, topics).size());
  }
}
