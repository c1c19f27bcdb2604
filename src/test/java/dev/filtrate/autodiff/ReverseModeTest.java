package dev.filtrate.autodiff;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReverseModeTest {
  private final GraphBuilder g = new GraphBuilder();
  private final Ops op = g.ops();
  private final Value seed = g.input("gradient_scale", DType.FLOAT, Shape.SCALAR);

  @Test
  void aDenseLayerGivesOneTwoDimensionalProductForItsWeight() {
    Value x =
        g.input("x", DType.FLOAT, Shape.of(Dim.named("batch"), Dim.named("sequence"), Dim.of(3)));
    Value y = op.in("dense").linear(x, 4);
    Value loss = op.in("loss").meanAll(y);
    List<Value> parameters = g.parameters();
    Map<Value, Value> gradients = ReverseMode.gradients(g, loss, seed, parameters);
    Map<String, Value> outputs = new LinkedHashMap<>();
    gradients.forEach((p, dp) -> outputs.put("grad/" + p.name(), dp));
  }
}
