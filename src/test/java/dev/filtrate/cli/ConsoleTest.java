package dev.filtrate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConsoleTest {
  private static final long SECOND = 1_000_000_000L;

  @Test
  void aTerminalsProgressIsRewrittenInPlace() {
    Captured captured = new Captured(80);
    captured.console.progress("step 10, loss 0.5", 0);
    captured.console.progress("step 11, loss 0.4", SECOND / 100); // too soon to be seen
    captured.console.progress("step 9", SECOND);
    captured.console.print("done");
    assertEquals(
        "\rstep 10, loss 0.5" + "\rstep 9" + " ".repeat(11) + "\r      \r", captured.err());
    assertEquals("done\n", captured.out());
  }

  @Test
  void aProgressLineNeverTakesTwoLines() {
    Captured captured = new Captured(10);
    captured.console.progress("0123456789abc", 0);
    assertEquals("\r012345678", captured.err());
  }

  @Test
  void whatALineIsAboutStandsOutWhereThereAreColours() {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
    Console console = new Console(stream, stream, 12, true);
    console.note("ted", ": 3 updates");
    console.progress("ted", "  1/3  loss 0.5");
    console.print("done");
    assertEquals(
        "\u001b[1mted\u001b[0m: 3 updates\n\r\u001b[1mted\u001b[0m  1/3  l\r"
            + " ".repeat(11)
            + "\rdone\n",
        err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void withoutATerminalThereAreNoColours() {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
    new Console(stream, stream, 0, true).note("ted", ": 3 updates");
    assertEquals("ted: 3 updates\n", err.toString(StandardCharsets.UTF_8));
  }

  @Test
  void elsewhereProgressIsASparsePlainLine() {
    Captured captured = new Captured(0);
    for (int second = 0; second <= 65; second++) {
      captured.console.progress("second " + second, second * SECOND);
    }
    assertEquals("second 0\nsecond 30\nsecond 60\n", captured.err());
  }

  @Test
  void quietLeavesResultsAndErrors() {
    Captured captured = new Captured(0);
    captured.console.beQuiet();
    captured.console.note("reading");
    captured.console.progress("1 of 2", 0);
    captured.console.print("result");
    captured.console.error("wrong");
    assertEquals("result\n", captured.out());
    assertEquals("wrong\n", captured.err());
  }

  @Test
  void aNameOfAFileCannotSpeakToTheTerminal() {
    Captured captured = new Captured(80);
    captured.console.error("tensor 'a\u001b[2Jb\u009bc':\n\tnext é");
    captured.console.note("\u0007");
    assertEquals("tensor 'a?[2Jb?c':\n\tnext é\n?\n", captured.err());
  }

  @Test
  void tablesAreAligned() {
    Captured captured = new Captured(0);
    captured.console.table(
        List.of("method", "accuracy", "size"),
        List.of(List.of("finetuned", "80.1 ± 0.2", "1.5 MB"), List.of("ted", "9.5", "11.5 MB")));
    assertEquals(
        """
        method       accuracy     size
        ------------------------------
        finetuned  80.1 ± 0.2   1.5 MB
        ted               9.5  11.5 MB
        """,
        captured.out());
  }
}
