package dev.filtrate.data;

import dev.filtrate.base.AtomicFiles;
import dev.filtrate.base.Check;
import dev.filtrate.base.UserError;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/** A whole text file, decoded strictly. */
public final class TextFile {
  private TextFile() {}

  /** Takes the lines of a text. */
  @FunctionalInterface
  public interface LineSink {
    /** Takes a line, without its end; numbers start at 1. */
    void line(int number, String text);
  }

  /**
   * The file's text without a byte-order mark. A missing file, a folder, and bytes that are not
   * text in this encoding are {@link UserError}s; the last one names the line.
   */
  public static String read(Path file, Charset encoding) {
    Check.user(Files.exists(file), "%s: no such file", file);
    Check.user(!Files.isDirectory(file), "%s: expected a file, found a folder", file);
    try {
      Check.user(
          Files.size(file) < Integer.MAX_VALUE - 8,
          "%s: larger than 2 GiB; split it into parts",
          file);
      return decode(file, ByteBuffer.wrap(Files.readAllBytes(file)), encoding);
    } catch (IOException e) {
      throw AtomicFiles.cannotRead(file, e);
    }
  }

  /** Cuts a text into lines, which end with LF or CRLF. */
  public static void lines(String text, LineSink sink) {
    int number = 1;
    for (int start = 0; start < text.length(); number++) {
      int end = text.indexOf('\n', start);
      int next = end < 0 ? text.length() : end + 1;
      int stop = end < 0 ? text.length() : end;
      if (stop > start && text.charAt(stop - 1) == '\r') {
        stop--;
      }
      sink.line(number, text.substring(start, stop));
      start = next;
    }
  }

  private static String decode(Path file, ByteBuffer bytes, Charset encoding) {
    CharsetDecoder decoder =
        encoding
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    long room = (long) Math.ceil(bytes.remaining() * (double) decoder.maxCharsPerByte()) + 1;
    CharBuffer chars = CharBuffer.allocate((int) Math.min(Integer.MAX_VALUE - 8, room));
    CoderResult result = decoder.decode(bytes, chars, true);
    if (result.isUnderflow()) {
      result = decoder.flush(chars);
    }
    chars.flip();
    if (result.isError()) {
      throw undecodable(file, encoding, bytes, result.length(), chars);
    }
    String text = chars.toString();
    return text.startsWith("\uFEFF") ? text.substring(1) : text;
  }

  private static UserError undecodable(
      Path file, Charset encoding, ByteBuffer bytes, int length, CharBuffer before) {
    long line = 1 + before.chars().filter(c -> c == '\n').count();
    byte[] wrong = new byte[Math.min(length, bytes.remaining())];
    bytes.get(wrong);
    return UserError.of(
        "%s:%d: byte %s is no %s text; give the file's encoding, such as encoding: %s",
        file,
        line,
        HexFormat.ofDelimiter(" ").withPrefix("0x").withUpperCase().formatHex(wrong),
        encoding.name(),
        encoding.equals(StandardCharsets.UTF_8) ? "latin1" : "utf-8");
  }
}
