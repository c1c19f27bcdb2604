package dev.filtrate.cli;

import dev.filtrate.base.UserError;
import dev.filtrate.base.Version;
import dev.filtrate.runtime.Device;
import dev.filtrate.runtime.OnnxRuntime;
import dev.filtrate.train.Environment;
import java.util.List;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;

/** {@code filtrate doctor}: versions, devices and what the native runtime can do here. */
final class DoctorCommand implements Command {
  private static final String JSON = "json";
  private static final String DEVICE = "device";

  @Override
  public String name() {
    return "doctor";
  }

  @Override
  public String summary() {
    return "print versions, devices and CPU features, and check that training works here";
  }

  @Override
  public Options options() {
    return new Options()
        .addOption(
            Flags.valued(DEVICE, "DEVICE", "fail unless this device can be used, cuda:0 say"))
        .addOption(Flags.flag(JSON, "print the facts as JSON"));
  }

  @Override
  public List<Example> examples() {
    return List.of(
        new Example("", "what there is"),
        new Example("--device cuda", "what the GPU lacks, in one sentence"));
  }

  @Override
  public int run(CommandLine line, Console console) {
    Flags.requireNoArguments(line);
    Device wanted = Device.parse(line.getOptionValue(DEVICE, "cpu"));
    Environment here = Environment.here();
    if (line.hasOption(JSON)) {
      console.print(here.toJson().toPrettyString());
    } else {
      print(here, console);
    }
    if (wanted.isCuda()) {
      OnnxRuntime.requireCuda(wanted);
    }
    return here.trainingOperators() ? DONE : CHECK_FAILED;
  }

  private static void print(Environment here, Console console) {
    row(console, "filtrate", Version.current());
    row(console, "java", here.java());
    row(console, "system", here.os());
    row(console, "cores", Integer.toString(here.cores()));
    String features = String.join(" ", here.cpuFeatures());
    row(console, "cpu features", features.isEmpty() ? "not listed by this system" : features);
    row(console, "java heap", "at most %d MiB".formatted(here.heapBytes() >> 20));
    row(console, "onnx runtime", here.onnxRuntime());
    row(console, "providers", String.join(", ", here.providers()));
    row(
        console,
        "training",
        here.trainingOperators() ? "operators are there" : "operators are missing: cannot train");
    row(console, "own kernels", ownKernels(here));
    row(console, "device cpu", "usable");
    row(console, "device cuda", cuda());
  }

  private static String ownKernels(Environment here) {
    if (!here.ownKernels()) {
      return "not used: they want an x86 processor with AVX2, and OMP_NUM_THREADS=1, which the"
          + " launcher sets";
    }
    return here.bfloat16Products()
        ? "used; bf16 in the processor's own instructions"
        : "used; bf16 is only imitated, as this processor does not multiply it";
  }

  private static String cuda() {
    Device first = Device.cuda(0);
    try {
      OnnxRuntime.requireCuda(first);
      return "usable";
    } catch (UserError e) {
      return "not usable: " + String.valueOf(e.getMessage()).replaceFirst("^device [^ ]+: ", "");
    }
  }

  private static void row(Console console, String name, String value) {
    console.printf("%-14s%s", name, value);
  }
}
