package dev.filtrate;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import dev.filtrate.base.Randomness;
import java.security.SecureRandom;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;

/** The walls between the packages. */
@AnalyzeClasses(
    packages = "dev.filtrate",
    importOptions = {DoNotIncludeTests.class, ArchitectureTest.WrittenByHand.class})
class ArchitectureTest {
  /** Generated messages are many and obey protobuf's rules. */
  static final class WrittenByHand implements ImportOption {
    @Override
    public boolean includes(Location location) {
      return !location.contains("/dev/filtrate/onnx/proto/")
          && !location.contains("/dev/filtrate/data/tokenize/proto/")
          && !location.contains("/dev/filtrate/report/proto/");
    }
  }

  /** A package may use only packages that come before it. */
  private static final List<String> ORDER =
      List.of(
          "base",
          "hub",
          "data",
          "graph",
          "model",
          "autodiff",
          "onnx",
          "weights",
          "runtime",
          "recipe",
          "train",
          "export",
          "report",
          "api",
          "cli");

  @ArchTest
  static void packagesUseOnlyPackagesBeforeThem(JavaClasses classes) {
    for (int i = 0; i < ORDER.size() - 1; i++) {
      String[] later =
          ORDER.subList(i + 1, ORDER.size()).stream()
              .map(ArchitectureTest::within)
              .toArray(String[]::new);
      noClasses()
          .that()
          .resideInAPackage(within(ORDER.get(i)))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(later)
          .allowEmptyShould(true)
          .check(classes);
    }
  }

  @ArchTest
  static final ArchRule everyClassIsInAPackageOfTheOrder =
      classes()
          .should()
          .resideInAnyPackage(ORDER.stream().map(ArchitectureTest::within).toArray(String[]::new));

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching("dev.filtrate.(**)").should().beFreeOfCycles().allowEmptyShould(true);

  @ArchTest
  static final ArchRule protobufStaysWhereItIsRead =
      noClasses()
          .that()
          .resideOutsideOfPackages(within("onnx"), within("data.tokenize"), within("report"))
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "com.google.protobuf..", "com.google.flatbuffers..", "dev.filtrate..proto..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule nativeCodeStaysInRuntime =
      noClasses()
          .that()
          .resideOutsideOfPackage(within("runtime"))
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.bytedeco..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule onlyTheCommandLinePrintsAndExits =
      noClasses()
          .that()
          .resideOutsideOfPackage(within("cli"))
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err")
          .orShould()
          .callMethod(System.class, "exit", int.class)
          .orShould()
          .callMethod(Throwable.class, "printStackTrace")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule randomnessHasOneSource =
      noClasses()
          .that()
          .doNotBelongToAnyOf(Randomness.class)
          .should()
          .dependOnClassesThat()
          .belongToAnyOf(
              Random.class,
              SplittableRandom.class,
              ThreadLocalRandom.class,
              SecureRandom.class,
              RandomGenerator.class)
          .orShould()
          .callMethod(Math.class, "random")
          .orShould()
          .callMethod(Collections.class, "shuffle", List.class)
          .allowEmptyShould(true);

  private static String within(String part) {
    return "dev.filtrate." + part + "..";
  }
}
