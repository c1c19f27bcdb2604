package dev.filtrate.train;

import dev.filtrate.graph.*;
import dev.filtrate.model.*;
import java.nio.file.*;
import java.util.*;

class Scratch {
  public static void main(String[] a) throws Exception {
    com.fasterxml.jackson.databind.ObjectMapper om =
        new com.fasterxml.jackson.databind.ObjectMapper();
    for (int r = 0; r < 4; r++) {
      long t0 = System.nanoTime();
      var base =
          (com.fasterxml.jackson.databind.node.ObjectNode)
              om.readTree(
                  "{\"model_type\":\"deberta-v2\",\"hidden_size\":768,\"num_hidden_layers\":12,\"num_attention_heads\":12,\"intermediate_size\":3072,\"relative_attention\":true,\"position_buckets\":256,\"norm_rel_ebd\":\"layer_norm\",\"share_att_key\":true,\"pos_att_type\":[\"p2c\",\"c2p\"],\"position_biased_input\":false}");
      var xs = base.deepCopy();
      xs.put("hidden_size", 384);
      xs.put("num_attention_heads", 6);
      xs.put("intermediate_size", 1536);
      Model teacher =
          new Model(
              ModelConfig.parse(base, "t"),
              Head.SEQUENCE_CLASSIFICATION,
              Optional.of(new Filters(1, 768, false)));
      Model student =
          new Model(
              ModelConfig.parse(xs, "s"),
              Head.SEQUENCE_CLASSIFICATION,
              Optional.of(new Filters(1, 768, false)));
      var T = new StageGraphs.Teacher(teacher, StageGraphs.TeacherStates.FILTERED, 1);
      Graph g =
          StageGraphs.distillation(
              "ted",
              student,
              T,
              Objective.distillation(
                  new Objective.Distillation(20, 20, 2, Objective.KlOver.LAST_AXIS, false)));
      Graph tg = StageGraphs.teacher("teacher", T);
      Graph u = AdamW.with(0, OptionalDouble.empty()).graph("update", StageGraphs.trained(g));
      long t1 = System.nanoTime();
      System.out.println(
          (t1 - t0) / 1e6
              + " ms; nodes "
              + g.nodes().size()
              + " teacher "
              + tg.nodes().size()
              + " update "
              + u.nodes().size()
              + " params "
              + g.parameterCount()
              + " teacher "
              + tg.parameterCount());
      System.out.println(g.operatorCounts());
      if (r == 3) Files.writeString(Path.of("/work/tmp/ted.txt"), g.toString());
    }
  }
}
