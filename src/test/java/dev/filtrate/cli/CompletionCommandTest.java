package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script in a real bash. */
class CompletionCommandTest {
  @TempDir private Path folder;

  /** What bash offers for the last of these words. */
  private List<String> offered(String... words) throws Exception {
    Path bash = Path.of("/bin/bash");
    assumeTrue(Files.isExecutable(bash), "no bash here");
    Captured.Outcome script = Captured.filtrate("completion", "bash");
    assertEquals(0, script.code(), script.err());
    Files.writeString(folder.resolve("script"), script.out());
    StringBuilder quoted = new StringBuilder();
    for (String word : words) {
      quoted.append(" '").append(word).append('\'');
    }
    String line =
        "source ./script; COMP_WORDS=(filtrate%s); COMP_CWORD=%d; _filtrate; printf '%%s\\n' \"${COMPREPLY[@]}\""
            .formatted(quoted, words.length);
    Process process =
        new ProcessBuilder(bash.toString(), "--norc", "-c", line)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue(), out);
    return out.lines().filter(l -> !l.isEmpty()).toList();
  }

  @Test
  void commandsFlagsAndValuesAreCompleted() throws Exception {
    assertEquals(List.of("plan", "predict"), offered("p"));
    assertEquals(List.of("doctor"), offered("help", "doc"));
    assertEquals(List.of("--method"), offered("distill", "--met"));
    assertEquals(List.of("kd", "lwd", "ted"), offered("distill", "--method", ""));
    assertEquals(
        List.of("cosine", "cosine_with_restarts"),
        offered("finetune", "--lr_scheduler_type", "cos"));
    assertEquals(List.of("cuda"), offered("run", "--device", "=", "cu"));
    assertEquals(List.of("bash", "zsh"), offered("completion", ""));
  }

  @Test
  void keysOfRecipesAreCompleted() throws Exception {
    assertEquals(
        List.of("distill.kl_alpha=", "distill.kl_mask_padding="),
        offered("run", "--set", "distill.kl_"));
  }

  @Test
  void recipesAndFilesAreCompleted() throws Exception {
    Files.writeString(folder.resolve("ssw.yaml"), "");
    Files.writeString(folder.resolve("ssw.txt"), "");
    assertEquals(List.of("sst2", "ssw.yaml"), offered("run", "ss"));
    assertEquals(
        List.of("ssw.txt", "ssw.yaml"), offered("init", "--data", "ss").stream().sorted().toList());
  }

  @Test
  void zshIsToldTheSame() {
    String script = Captured.filtrate("completion", "zsh").out();
    assertTrue(script.startsWith("#compdef filtrate\n"), script);
    for (Command command : Commands.all().list()) {
      assertTrue(script.contains("\n    " + command.name() + ")\n"), command.name());
      command
          .options()
          .getOptions()
          .forEach(
              option ->
                  assertTrue(
                      script.contains("'--" + option.getLongOpt())
                          || script.contains("'*--" + option.getLongOpt()),
                      option.getLongOpt()));
    }
  }

  @Test
  void anotherShellIsRefused() {
    assertEquals(
        "filtrate: expected one of bash, zsh, got 'fish'\n",
        Captured.filtrate("completion", "fish").err());
  }
}
