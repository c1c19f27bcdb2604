package dev.filtrate.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.filtrate.base.AtomicFiles;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

/** The page as one file: template, style, program, ECharts and the data put together. */
final class Page {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern PLACE = Pattern.compile("\\{\\{(\\w+)}}");

  private Page() {}

  /** Writes it whole or not at all. */
  static void write(Path file, String title, ObjectNode data) {
    Map<String, String> parts =
        Map.of(
            "title", escaped(title),
            "css", text("page.css"),
            "js", text("page.js"),
            "echarts", Base64.getEncoder().encodeToString(compressed(resource("echarts.min.js"))),
            "data", json(data));
    Matcher places = PLACE.matcher(text("page.html"));
    AtomicFiles.writeText(
        file,
        places.replaceAll(at -> Matcher.quoteReplacement(parts.getOrDefault(at.group(1), ""))));
  }

  /** JSON that may stand in a script element: no end tag and no comment can begin in it. */
  private static String json(ObjectNode data) {
    try {
      return JSON.writeValueAsString(data).replace("<", "\\u003c").replace("\u2028", "\\u2028");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a report that cannot be written", e);
    }
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  private static byte[] compressed(byte[] content) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static String text(String name) {
    return new String(resource(name), StandardCharsets.UTF_8).stripTrailing();
  }

  private static byte[] resource(String name) {
    try (InputStream in = Page.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is not in this build");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
