package dev.filtrate.onnx;

import dev.filtrate.graph.DType;
import dev.filtrate.graph.Dim;
import dev.filtrate.graph.Graph;
import dev.filtrate.graph.GraphBuilder;
import dev.filtrate.graph.Ops;
import dev.filtrate.graph.Shape;
import dev.filtrate.graph.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Graphs of a few random operators over symbolic shapes. */
final class RandomGraphs {
  static final Dim B = Dim.named("batch");
  static final Dim S = Dim.named("sequence");
  private static final int WIDTH = 4;

  private RandomGraphs() {}

  static Graph graph(Random random) {
    GraphBuilder builder = new GraphBuilder();
    Ops op = builder.ops().in("scope");
    Value ids = builder.input("input_ids", DType.INT64, Shape.of(B, S));
    Value table = op.parameter("table.weight", Shape.of(7, WIDTH));
    List<Value> pool = new ArrayList<>();
    pool.add(op.gather(table, ids, 0));
    pool.add(builder.input("x", DType.FLOAT, Shape.of(B, S, Dim.of(WIDTH))));
    int nodes = 3 + random.nextInt(12);
    for (int i = 0; i < nodes; i++) {
      Value x = pool.get(random.nextInt(pool.size()));
      pool.add(step(op.in("layer." + i), random, x));
    }
    Map<String, Value> outputs = new LinkedHashMap<>();
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      outputs.put("output." + i, pool.get(pool.size() - 1 - random.nextInt(pool.size())));
    }
    return builder.build("random", outputs);
  }

  private static Value step(Ops op, Random random, Value x) {
    int last = x.rank() - 1;
    return switch (random.nextInt(12)) {
      case 0 -> op.gelu(x);
      case 1 -> op.mul(x, random.nextDouble());
      case 2 -> op.reshape(x, Shape.of(x.shape().elements()));
      case 3 -> x.rank() < 2 ? op.neg(x) : op.t(x);
      case 4 -> op.unsqueeze(x, 0);
      case 5 -> x.dim(0).isFixed() ? op.abs(x) : op.slice(x, 0, Dim.of(0), x.dim(0).plus(-1));
      case 6 -> op.pad(x, 0, x.dim(last), S.plus(-1));
      case 7 ->
          op.expand(x, x.rank() < 3 ? Shape.of(B.times(S), Dim.of(1), x.dim(last)) : x.shape());
      case 8 -> op.softmax(x, last);
      case 9 -> op.dropout(x, 0.25);
      case 10 -> op.reduceSum(x, last == 0 || random.nextBoolean(), last);
      default -> op.concat(0, List.of(x, op.zeros(x.shape())));
    };
  }
}
