package dev.filtrate.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class FileSelectionTest {
  private static final List<String> FILES =
      List.of(
          ".gitattributes",
          "README.md",
          "config.json",
          "merges.txt",
          "model.safetensors",
          "model.fp16.safetensors",
          "pytorch_model.bin",
          "pytorch_model.generator.bin",
          "pytorch_model.bin.index.json",
          "onnx/model.onnx",
          "onnx/config.json",
          "spm.model",
          "tf_model.h5");

  private static List<String> model(FileSelection selection, List<String> files) {
    return selection.of(Repo.Type.MODEL, files);
  }

  @Test
  void ofAModelWhatIsReadHereAndNoWeightsTwice() {
    assertEquals(
        List.of("config.json", "merges.txt", "model.safetensors", "spm.model"),
        model(FileSelection.DEFAULT, FILES));
  }

  @Test
  void picklesWhereThereAreNoSafetensorsAndShardsWithTheirIndex() {
    List<String> files =
        List.of(
            "config.json",
            "pytorch_model-00001-of-00002.bin",
            "pytorch_model-00002-of-00002.bin",
            "pytorch_model.bin.index.json",
            "optimizer.bin");
    assertEquals(files.subList(0, 4), model(FileSelection.DEFAULT, files));
    List<String> safe = List.of("model-00001-of-00001.safetensors", "model.safetensors.index.json");
    assertEquals(safe, model(FileSelection.DEFAULT, safe));
  }

  @Test
  void patternsReplaceTheDefaultAndStandForSlashesToo() {
    assertEquals(
        List.of("config.json", "pytorch_model.bin.index.json"),
        model(new FileSelection(List.of("*.json"), List.of("onnx/*")), FILES));
    assertEquals(
        List.of("README.md"), model(new FileSelection(List.of("READ?E.md"), List.of()), FILES));
    assertEquals(
        List.of("merges.txt", "model.safetensors", "spm.model"),
        model(new FileSelection(List.of(), List.of("config.json")), FILES));
  }
}
