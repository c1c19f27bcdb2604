package dev.filtrate.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.base.TestSeed;
import dev.filtrate.base.UserError;
import dev.filtrate.graph.Attr;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Node;
import dev.filtrate.graph.OpType;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Tensor;
import dev.filtrate.graph.Value;
import dev.filtrate.onnx.proto.OnnxProto.ModelProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxCodecTest {
  @TempDir Path folder;

  @Test
  void whatIsReadIsWhatWasWritten() {
    long seed = TestSeed.get();
    Random random = new Random(seed);
    for (int i = 0; i < 200; i++) {
      Graph graph = Operands.asInputs(RandomGraphs.graph(random));
      byte[] bytes = OnnxCodec.encode(graph);
      String which = "graph " + i + TestSeed.hint(seed);
      assertEquals(graph, OnnxCodec.decode(bytes).graph(), which);
      assertArrayEquals(bytes, OnnxCodec.encode(OnnxCodec.decode(bytes).graph()), which);
    }
  }

  @Test
  void embeddedAndHandedOverParametersComeBackAsParameters() throws IOException {
    Graph graph = dense();
    Map<String, Tensor> values = values();
    Map<String, String> metadata = Map.of("task", "sst2");

    OnnxModel embedded =
        OnnxCodec.decode(OnnxCodec.encode(graph, Parameters.embedded(values), metadata));
    assertEquals(new OnnxModel(graph, values, metadata), embedded);

    OnnxModel declared = OnnxCodec.decode(OnnxCodec.encode(graph, Parameters.declared(), metadata));
    assertEquals(new OnnxModel(graph, Map.of(), metadata), declared);

    Path file = folder.resolve("model.onnx");
    OnnxCodec.write(file, graph, Parameters.beside(values), metadata);
    assertEquals(new OnnxModel(graph, values, metadata), OnnxCodec.read(file));
    assertTrue(Files.exists(folder.resolve("model.onnx_data")));

    OnnxCodec.write(file, graph, Parameters.declared(), metadata);
    assertEquals(Map.of(), OnnxCodec.read(file).values());
  }

  @Test
  void trainingOperatorsAreImportedOnlyWhereUsed() throws IOException {
    Graph plain = Operands.asInputs(dense());
    assertEquals(List.of(""), domains(OnnxCodec.encode(plain)));
    GraphBuilder builder = new GraphBuilder();
    Value x = builder.input("x", DType.FLOAT, Shape.of(2));
    Graph gelu = builder.build("gelu", Map.of("y", builder.ops().gelu(x)));
    assertEquals(List.of("", "com.microsoft"), domains(OnnxCodec.encode(gelu)));
  }

  private static List<String> domains(byte[] model) throws IOException {
    return ModelProto.parseFrom(model).getOpsetImportList().stream()
        .map(o -> o.getDomain())
        .toList();
  }

  @Test
  void anOperandThatIsStillAnAttributeIsRefused() {
    GraphBuilder builder = new GraphBuilder();
    Value x = builder.input("x", DType.FLOAT, Shape.of(4));
    Value y = builder.ops().in("head").reshape(x, Shape.of(2, 2));
    Graph graph = builder.build("g", Map.of("y", y));
    assertEquals(
        "y: shape is still an attribute; Operands.asInputs makes an input of it",
        assertThrows(IllegalArgumentException.class, () -> OnnxCodec.encode(graph)).getMessage());
  }

  @Test
  void dataOfAnotherSizeIsRefused() {
    Map<String, Tensor> wrong = Map.of("dense.weight", Tensor.zeros(DType.FLOAT, 3));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> OnnxCodec.encode(dense(), Parameters.embedded(wrong), Map.of()));
    assertEquals("the data of parameter dense.weight:[3, 2]: got float32[3]", e.getMessage());
  }

  @Test
  void foreignAndBrokenFilesAreRefusedInOneSentence() throws IOException {
    assertRefused("ONNX model: not an ONNX model", new byte[] {1, 2, 3});
    assertRefused("ONNX model: not an ONNX model: expected a graph", new byte[0]);

    ModelProto good = ModelProto.parseFrom(OnnxCodec.encode(dense()));
    ModelProto.Builder old = good.toBuilder();
    old.getOpsetImportBuilder(0).setVersion(11);
    assertRefused("ONNX model: opset ai.onnx: expected 17, got 11; export the model again", old);

    ModelProto.Builder foreign = good.toBuilder();
    foreign.getGraphBuilder().getNodeBuilder(0).setOpType("Conv");
    assertRefused("ONNX model: operator Conv is not supported", foreign);

    ModelProto.Builder undefined = good.toBuilder();
    undefined.getGraphBuilder().getNodeBuilder(0).setInput(0, "nowhere");
    assertRefused(
        "ONNX model: MatMul 'dense/MatMul' reads 'nowhere', which nothing before it delivers",
        undefined);

    ModelProto.Builder untyped = good.toBuilder();
    untyped.getGraphBuilder().clearValueInfo();
    assertRefused("ONNX model: the value 'dense/MatMul' has no type", untyped);

    ModelProto.Builder twice = good.toBuilder();
    twice.getGraphBuilder().addNode(good.getGraph().getNode(0));
    assertRefused("ONNX model: the value 'dense/MatMul' is defined twice", twice);

    ModelProto.Builder lost = good.toBuilder();
    lost.getGraphBuilder().getOutputBuilder(0).setName("lost");
    assertRefused("ONNX model: the value 'y' has no type", lost);
  }

  @Test
  void aCutOrMissingDataFileIsRefusedByName() throws IOException {
    Path file = folder.resolve("model.onnx");
    OnnxCodec.write(file, dense(), Parameters.beside(values()), Map.of());
    Path data = folder.resolve("model.onnx_data");
    Files.write(data, new byte[5]);
    assertEquals(
        file
            + ": the data of 'dense.weight': expected 24 bytes at 0 of model.onnx_data, which has"
            + " 5; copy it again",
        assertThrows(UserError.class, () -> OnnxCodec.read(file)).getMessage());
    Files.delete(data);
    assertEquals(
        data + ": cannot be read: no such file or folder: " + data,
        assertThrows(UserError.class, () -> OnnxCodec.read(file)).getMessage());
  }

  private static void assertRefused(String start, ModelProto.Builder model) {
    assertRefused(start, model.build().toByteArray());
  }

  private static void assertRefused(String start, byte[] model) {
    String message =
        String.valueOf(assertThrows(UserError.class, () -> OnnxCodec.decode(model)).getMessage());
    assertTrue(message.startsWith(start), message);
    assertFalse(message.contains("\n"), message);
  }

  @Test
  void attributesOfEveryKindSurvive() {
    Value x = new Value("x", DType.INT64, Shape.of(Dim.parse("2*sequence-1")));
    Value y = new Value("y", DType.BFLOAT16, Shape.SCALAR);
    Map<String, Attr> attributes =
        Map.of(
            "int", new Attr.Int(-3),
            "real", new Attr.Real(0.1f),
            "text", new Attr.Text("größer"),
            "ints", new Attr.Ints(List.of(1L, 2L)),
            "none", new Attr.Ints(List.of()),
            "content", new Attr.Content(Tensor.scalar(true)));
    Node node = new Node(OpType.NEG, List.of(x, Value.NONE), List.of(y), attributes);
    Graph graph = new Graph("g", List.of(x), List.of(), List.of(node), List.of(y));
    assertEquals(graph, OnnxCodec.decode(OnnxCodec.encode(graph)).graph());
  }

  private static Graph dense() {
    GraphBuilder builder = new GraphBuilder();
    Ops op = builder.ops().in("dense");
    Value x = builder.input("x", DType.FLOAT, Shape.of(Dim.named("batch"), Dim.of(3)));
    Value product = op.matMul(x, op.parameter("weight", Shape.of(3, 2)));
    return builder.build("dense", Map.of("y", op.relu(product)));
  }

  private static Map<String, Tensor> values() {
    return Map.of("dense.weight", Tensor.ofFloats(new long[] {3, 2}, 1, 2, 3, 4, 5, 6));
  }
}
