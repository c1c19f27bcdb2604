package dev.filtrate.export;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.graph.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** SHA-256, in hexadecimal. */
public final class Hashes {
  private Hashes() {}

  /** Of a file's bytes; an unreadable file is a {@link dev.filtrate.base.UserError}. */
  public static String ofFile(Path file) {
    MessageDigest digest = sha256();
    byte[] buffer = new byte[1 << 20];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
    return hex(digest);
  }

  /** Of a text in UTF-8. */
  public static String ofText(String text) {
    MessageDigest digest = sha256();
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    return hex(digest);
  }

  /** Of parameters, whatever files they are in: each one's name, shape and bytes, by name. */
  static String ofWeights(Map<String, Tensor> parameters) {
    MessageDigest digest = sha256();
    new TreeMap<>(parameters)
        .forEach(
            (name, tensor) -> {
              String head = name + " " + tensor.type() + " " + tensor.shape() + "\n";
              digest.update(head.getBytes(StandardCharsets.UTF_8));
              digest.update(tensor.bytes());
            });
    return hex(digest);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }

  private static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }
}
