package dev.filtrate.data.tokenize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.filtrate.data.Example;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VocabularyTest {
  @Test
  void theMostFrequentPairGrowsFirst() {
    assertEquals(
        List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "##b", "a", "##c", "ab", "abc"),
        Vocabulary.learn(List.of("ab ab ab", "abc abc", "abc"), 100));
    assertEquals(9, Vocabulary.learn(List.of("ab ab ab", "abc abc", "abc"), 9).size());
  }

  @Test
  void theTokenizerKnowsEveryTextThatItWasLearntFrom(@TempDir Path folder) throws IOException {
    List<String> lines = Files.readAllLines(Path.of("data/default/train.tsv")).subList(1, 2000);
    List<String> odd = Collections.nCopies(2, "Ünï—códe 5€ (naïve) 中文字 don't ½ e\u200bx");
    List<String> texts =
        Stream.concat(lines.stream().map(l -> l.split("\t")[0]), odd.stream()).toList();
    List<String> tokens = Vocabulary.learn(texts, 600);
    assertTrue(tokens.size() <= 600);
    assertEquals(tokens, Vocabulary.learn(texts, 600));
    Path file = folder.resolve("vocab.txt");
    Files.writeString(file, String.join("\n", tokens) + "\n");
    try (Tokenizer tokenizer = Tokenizer.read(file, Tokenizer.UNLIMITED)) {
      assertEquals(tokens.size(), tokenizer.vocabularySize());
      assertEquals(0, tokenizer.padId());
      Encoded encoded =
          tokenizer.encode(texts.stream().map(text -> new Example(text, null, 0)).toList());
      for (int i = 0; i < encoded.size(); i++) {
        for (int id : encoded.ids(i)) {
          assertFalse(id == tokenizer.unknownId(), texts.get(i));
        }
      }
      long words = texts.stream().mapToLong(text -> text.split(" ").length).sum();
      assertTrue(encoded.tokens() < 2 * words, encoded.tokens() + " tokens of " + words);
    }
  }
}
