package dev.filtrate.export;

import dev.filtrate.base.Randomness;
import dev.filtrate.data.Example;
import dev.filtrate.data.Labels;
import dev.filtrate.data.ProblemType;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;

/** Ids to run a model on where there are no texts: any ids, of many lengths, in two segments. */
final class MadeUpTexts {
  private static final int COUNT = 32;
  private static final int SHORTEST = 4;
  private static final int LONGEST = 128;

  private MadeUpTexts() {}

  /** The same ones every time for a model of this config. */
  static EncodedExamples of(ModelConfig config) {
    Randomness random = Randomness.of(0, "export/proof");
    int longest = Math.min(LONGEST, config.usualLength());
    int shortest = Math.min(SHORTEST, longest);
    Encoded.Builder texts = new Encoded.Builder(COUNT);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      long[] ids = new long[shortest + random.nextInt(longest - shortest + 1)];
      long[] types = new long[ids.length];
      for (int j = 0; j < ids.length; j++) {
        ids[j] = random.nextInt(config.common().vocabSize());
        types[j] = config.common().typeVocabSize() > 1 && j > ids.length / 2 ? 1 : 0;
      }
      texts.add(ids, types);
      examples.add(new Example("", null, Labels.NONE));
    }
    return EncodedExamples.of(
        texts.build(),
        examples,
        ProblemType.SINGLE_LABEL_CLASSIFICATION,
        Math.max(0, config.common().padTokenId()));
  }
}
