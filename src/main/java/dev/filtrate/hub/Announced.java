package dev.filtrate.hub;

import dev.filtrate.base.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * What the hub says of a file before it comes.
 *
 * @param size in bytes
 * @param hash 64 hex digits: SHA-256 of a large file; 40: SHA-1 of git's blob
 */
record Announced(long size, String hash) {
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{40}|[0-9a-f]{64}");

  /** Reads the headers of an answer: those of a large file's link before the others. */
  static Announced of(HttpHeaders headers, String where) {
    String etag =
        headers.firstValue("X-Linked-Etag").or(() -> headers.firstValue("ETag")).orElse("");
    String hash = etag.replaceFirst("^W/", "").replace("\"", "");
    if (!HASH.matcher(hash).matches()) {
      throw UserError.of(
          "%s: expected a hash to check it by (X-Linked-Etag or ETag), found '%s'; the hub must give"
              + " one",
          where, etag);
    }
    String size =
        headers
            .firstValue("X-Linked-Size")
            .or(() -> headers.firstValue("Content-Length"))
            .orElse("");
    if (!size.matches("\\d{1,18}")) {
      throw UserError.of(
          "%s: expected a size to check it by (X-Linked-Size or Content-Length), found '%s'; the hub"
              + " must give one",
          where, size);
    }
    return new Announced(Long.parseLong(size), hash);
  }

  /** The hash of a file, of the announced kind. */
  String hashOf(Path file) throws IOException {
    boolean git = hash.length() == 40;
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance(git ? "SHA-1" : "SHA-256");
    } catch (NoSuchAlgorithmException e) { // every JDK has both
      throw new IllegalStateException(e);
    }
    if (git) {
      digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
    }
    try (InputStream in = Files.newInputStream(file)) {
      byte[] piece = new byte[1 << 16];
      for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
        digest.update(piece, 0, n);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
