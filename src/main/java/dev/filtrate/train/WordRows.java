package dev.filtrate.train;

import com.fasterxml.jackson.databind.node.IntNode;
import dev.filtrate.data.batch.Batch;
import dev.filtrate.data.batch.EncodedExamples;
import dev.filtrate.data.tokenize.Encoded;
import dev.filtrate.graph.DType;
import dev.filtrate.graph.Tensor;
import dev.filtrate.model.Model;
import dev.filtrate.model.ModelConfig;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The rows of a model's word embeddings that some texts use. A task uses a tenth of a large
 * vocabulary; the rows of all other tokens have no gradient and moments of zero, so all that AdamW
 * does to them is to let them decay. A stage therefore trains a model with these rows only, and
 * puts them back when it is done: the same parameters, without the time and the four-fold memory of
 * rows that never change.
 *
 * <p>Rows keep their order, and those up to the padding token's are always there, so that padding
 * has the same number in both vocabularies.
 */
final class WordRows {
  private static final String VOCAB_SIZE = "vocab_size";
  private static final String INPUT_IDS = "input_ids";
  private static final int ABSENT = -1;

  private final String parameter;
  private final int[] kept;
  private final int[] places;

  private WordRows(String parameter, int[] kept, int vocabSize) {
    this.parameter = parameter;
    this.kept = kept;
    this.places = new int[vocabSize];
    Arrays.fill(places, ABSENT);
    for (int place = 0; place < kept.length; place++) {
      places[kept[place]] = place;
    }
  }

  /** The rows that these texts use. */
  static WordRows usedBy(List<EncodedExamples> examples, ModelConfig config) {
    boolean[] used = new boolean[config.common().vocabSize()];
    for (EncodedExamples some : examples) {
      Encoded texts = some.texts();
      used[some.padId()] = true;
      for (int text = 0; text < texts.size(); text++) {
        for (int i = 0; i < texts.length(text); i++) {
          used[texts.id(text, i)] = true;
        }
      }
    }
    return of(used, config);
  }

  private static WordRows of(boolean[] used, ModelConfig config) {
    int vocabSize = used.length;
    Arrays.fill(used, 0, Math.min(vocabSize, config.common().padTokenId() + 1), true);
    int[] kept = new int[vocabSize];
    int rows = 0;
    for (int token = 0; token < vocabSize; token++) {
      if (used[token]) {
        kept[rows++] = token;
      }
    }
    return new WordRows(config.wordEmbeddings(), Arrays.copyOf(kept, rows), vocabSize);
  }

  /** The same model with these rows only. */
  Model model(Model model) {
    ModelConfig config = model.config().with(Map.of(VOCAB_SIZE, IntNode.valueOf(kept.length)));
    return new Model(config, model.head(), model.filters());
  }

  /** The same parameters, of the words' embeddings, where they are among them, these rows only. */
  Map<String, Tensor> gather(Map<String, Tensor> parameters) {
    if (!parameters.containsKey(parameter)) {
      return parameters;
    }
    Tensor table = table(parameters);
    Tensor rows = Tensor.zeros(table.type(), kept.length, table.dims()[1]);
    int bytes = rowBytes(table);
    for (int place = 0; place < kept.length; place++) {
      rows.bytes().put(place * bytes, table.bytes(), kept[place] * bytes, bytes);
    }
    Map<String, Tensor> some = new LinkedHashMap<>(parameters);
    some.put(parameter, rows);
    return some;
  }

  /**
   * All rows again.
   *
   * @param trained parameters, perhaps with these rows of the words' embeddings
   * @param whole the parameters that training began with
   * @param decay what is left by now of a parameter that only decays
   */
  Map<String, Tensor> scatter(
      Map<String, Tensor> trained, Map<String, Tensor> whole, double decay) {
    Map<String, Tensor> all = new LinkedHashMap<>(whole);
    all.putAll(trained);
    Tensor rows = trained.get(parameter);
    if (rows != null) {
      Tensor before = table(whole);
      Tensor table = Tensor.zeros(DType.FLOAT, before.dims());
      FloatBuffer from = before.floats();
      FloatBuffer to = table.bytes().asFloatBuffer();
      while (from.hasRemaining()) {
        to.put((float) (from.get() * decay));
      }
      int bytes = rowBytes(table);
      for (int place = 0; place < kept.length; place++) {
        table.bytes().put(kept[place] * bytes, rows.bytes(), place * bytes, bytes);
      }
      all.put(parameter, table);
    }
    return all;
  }

  /** A batch as the inputs of a graph of the model with these rows. */
  Map<String, Tensor> feeds(Batch batch, Collection<String> wanted) {
    return feeds(Feeds.of(batch, wanted));
  }

  /** The same inputs with the tokens' places among these rows in place of their ids. */
  Map<String, Tensor> feeds(Map<String, Tensor> feeds) {
    Tensor ids = feeds.get(INPUT_IDS);
    if (ids == null) {
      return feeds;
    }
    Tensor rows = Tensor.zeros(DType.INT64, ids.dims());
    LongBuffer from = ids.longs();
    LongBuffer to = rows.bytes().asLongBuffer();
    while (from.hasRemaining()) {
      int token = (int) from.get();
      if (places[token] == ABSENT) {
        throw new IllegalStateException("token " + token + " is in none of the texts");
      }
      to.put(places[token]);
    }
    Map<String, Tensor> changed = new LinkedHashMap<>(feeds);
    changed.put(INPUT_IDS, rows);
    return changed;
  }

  private Tensor table(Map<String, Tensor> parameters) {
    Tensor table = parameters.get(parameter);
    if (table == null || table.dims()[0] != places.length) {
      throw new IllegalArgumentException(
          "%s: expected %d rows, got %s".formatted(parameter, places.length, table));
    }
    return table;
  }

  private static int rowBytes(Tensor table) {
    return Math.toIntExact(table.dims()[1] * table.type().bytes());
  }

  /** Which rows of which vocabulary: a number that others hardly have. */
  @Override
  public String toString() {
    return "%d of %d words, %08x".formatted(kept.length, places.length, Arrays.hashCode(kept));
  }
}
