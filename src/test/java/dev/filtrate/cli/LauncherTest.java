package dev.filtrate.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher in a project whose Maven and Java only say what they were asked. */
class LauncherTest {
  @TempDir Path folder = Path.of("");

  private Path home = folder;
  private Path elsewhere = folder;

  @BeforeEach
  void makeAProject() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "the launcher is for POSIX systems");
    home = folder.toRealPath().resolve("a project");
    elsewhere = folder.toRealPath().resolve("elsewhere");
    Files.createDirectories(elsewhere);
    Files.createDirectories(home.resolve("src/main"));
    Files.createDirectories(home.resolve("jdk/bin"));
    Files.copy(Path.of("filtrate"), home.resolve("filtrate"));
    Files.writeString(home.resolve("pom.xml"), "");
    script("mvnw", "mkdir -p target; : > target/filtrate.jar; echo built >&2");
    java("17.0.9");
    script("jdk/bin/javac", ":");
    executable(home.resolve("filtrate"));
    past(home.resolve("pom.xml"));
    past(home.resolve("src/main"));
  }

  private void java(String version) throws IOException {
    script(
        "jdk/bin/java",
        """
        if [ "$1" = -version ]; then echo 'openjdk version "%s"' >&2; exit; fi
        echo "in $PWD"
        for argument; do case $argument in -X*|-D*) ;; *) echo "<$argument>" ;; esac; done
        exit 7
        """
            .formatted(version));
  }

  private void script(String name, String body) throws IOException {
    Files.writeString(home.resolve(name), "#!/bin/sh\n" + body + "\n");
    executable(home.resolve(name));
  }

  private static void executable(Path file) {
    assertTrue(file.toFile().setExecutable(true));
  }

  private static void past(Path file) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(1000)));
  }

  private record Outcome(int code, String out, String err) {}

  private Outcome launch(Path launcher, String... arguments) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(launcher.toString());
    builder.command().addAll(List.of(arguments));
    builder.environment().put("JAVA_HOME", home.resolve("jdk").toString());
    builder.environment().remove("FILTRATE_JAVA_OPTS");
    Path out = folder.resolve("out.txt");
    Path err = folder.resolve("err.txt");
    Process process =
        builder
            .directory(elsewhere.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    return new Outcome(
        process.exitValue(),
        Files.readString(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
  }

  private String ran(String... arguments) {
    StringBuilder expected = new StringBuilder("in " + elsewhere + "\n<-cp>\n");
    expected.append("<%1$s/target/filtrate.jar:%1$s/target/lib/*>\n".formatted(home));
    expected.append("<dev.filtrate.cli.Main>\n");
    for (String argument : arguments) {
      expected.append('<').append(argument).append(">\n");
    }
    return expected.toString();
  }

  @Test
  void buildsOnFirstUseAndWhenASourceIsNewer() throws Exception {
    Path launcher = home.resolve("filtrate");
    Outcome built = new Outcome(7, ran("run"), "filtrate: building...\nbuilt\n");
    assertEquals(built, launch(launcher, "run"));
    assertEquals(new Outcome(7, ran("run"), ""), launch(launcher, "run"));
    Files.writeString(home.resolve("src/main/New.java"), "");
    Files.setLastModifiedTime(
        home.resolve("src/main/New.java"), FileTime.from(Instant.now().plusSeconds(5)));
    assertEquals(built, launch(launcher, "run"));
  }

  @Test
  void aRunThatGoesOnDuringABuildKeepsItsJar() throws Exception {
    Path launcher = home.resolve("filtrate");
    launch(launcher, "run");
    Path jar = home.resolve("target/filtrate.jar");
    Files.writeString(jar, "what the run opened");
    try (InputStream opened = Files.newInputStream(jar)) {
      Files.delete(home.resolve("target/.filtrate-build"));
      launch(launcher, "run");
      assertEquals("", Files.readString(jar));
      assertEquals("what the run opened", new String(opened.readAllBytes(), US_ASCII));
    }
  }

  @Test
  void aDistributionIsRunAsItIs() throws Exception {
    Files.createDirectories(home.resolve("app"));
    Files.writeString(home.resolve("app/filtrate.jar"), "");
    Files.delete(home.resolve("mvnw"));
    Outcome outcome = launch(home.resolve("filtrate"), "run");
    assertEquals(new Outcome(7, ran("run").replace("/target/", "/app/"), ""), outcome);
    java("11.0.2");
    assertEquals(2, launch(home.resolve("filtrate"), "run").code());
  }

  @Test
  void worksFromAnyFolderThroughLinksAndKeepsArguments() throws Exception {
    Path link = elsewhere.resolve("link");
    Files.createSymbolicLink(link, Path.of("../a project/filtrate"));
    Path second = folder.toRealPath().resolve("second");
    Files.createSymbolicLink(second, link);
    assertEquals(
        ran("predict", "two words", "*", "--x=$HOME", ""),
        launch(second, "predict", "two words", "*", "--x=$HOME", "").out());
  }

  @Test
  void aBundleRunsOnItsOwnJavaAndBuildsNothing() throws Exception {
    Files.createDirectories(home.resolve("runtime"));
    Files.move(home.resolve("jdk/bin"), home.resolve("runtime/bin"));
    Files.writeString(home.resolve("runtime/release"), "JAVA_VERSION=\"17.0.9\"\nOS_NAME=x\n");
    Files.delete(home.resolve("pom.xml"));
    assertEquals(
        new Outcome(7, ran("run").replace("/target/", "/app/"), ""),
        launch(home.resolve("filtrate"), "run"));
    assertFalse(Files.exists(home.resolve("target")));
  }

  @Test
  void anOldJavaIsRefusedInOneSentence() throws Exception {
    java("11.0.2");
    Path java = home.resolve("jdk/bin/java");
    assertEquals(
        new Outcome(
            2,
            "",
            "filtrate: "
                + java
                + " is Java 11; install a JDK 17 or newer, or set JAVA_HOME to one\n"),
        launch(home.resolve("filtrate"), "run"));
  }

  @Test
  void aMissingJavaIsToldInOneSentence() throws Exception {
    Files.delete(home.resolve("jdk/bin/java"));
    assertEquals(
        new Outcome(
            2, "", "filtrate: no java found; install a JDK 17 or newer, or set JAVA_HOME to one\n"),
        launch(home.resolve("filtrate"), "run"));
  }

  @Test
  void aFailedBuildIsToldAndTriedAgain() throws Exception {
    script("mvnw", "echo 'no such symbol'; exit 1");
    Outcome failed =
        new Outcome(
            2,
            "",
            "filtrate: building...\nno such symbol\nfiltrate: the build failed; what it said is"
                + " above\n");
    assertEquals(failed, launch(home.resolve("filtrate"), "run"));
    assertEquals(failed, launch(home.resolve("filtrate"), "run"));
  }
}
