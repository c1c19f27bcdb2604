package dev.filtrate.data;

import dev.filtrate.base.UserError;
import java.util.Arrays;

/** What the labels are, under Hugging Face's names for {@code problem_type}. */
public enum ProblemType {
  /** Each example has one of C classes, or none. */
  SINGLE_LABEL_CLASSIFICATION("single_label_classification"),
  /** Each example has any number of the C classes. */
  MULTI_LABEL_CLASSIFICATION("multi_label_classification"),
  /** Each example has a number. */
  REGRESSION("regression");

  private final String id;

  ProblemType(String id) {
    this.id = id;
  }

  /** The spelling in {@code config.json} and recipes. */
  public String id() {
    return id;
  }

  /** The type of that spelling; anything else is a {@link UserError}. */
  public static ProblemType named(String id) {
    for (ProblemType type : values()) {
      if (type.id.equals(id)) {
        return type;
      }
    }
    throw UserError.of(
        "problem_type: expected one of %s, got \"%s\"",
        Arrays.stream(values()).map(ProblemType::id).toList(), id);
  }
}
