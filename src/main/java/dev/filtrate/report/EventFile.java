package dev.filtrate.report;

import com.google.protobuf.MessageLite;
import dev.filtrate.base.AtomicFiles;
import dev.filtrate.report.proto.TensorBoardProto.Event;
import dev.filtrate.report.proto.TensorBoardProto.SessionLog;
import dev.filtrate.report.proto.TensorBoardProto.Summary;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * A file of TensorBoard's events. Each is a TFRecord: its length as eight bytes, their checksum,
 * the message, its checksum, all little-endian.
 */
final class EventFile implements AutoCloseable {
  /** What TensorBoard looks for in names. */
  static final String PREFIX = "events.out.tfevents.";

  private static final String VERSION = "brain.Event:2";
  private static final int MASK = 0xa282ead8;

  private final Path file;
  private final OutputStream out;

  private EventFile(Path file, OutputStream out) {
    this.file = file;
    this.out = out;
  }

  /**
   * Begins a file in a folder, beside those that are there already; TensorBoard reads them in the
   * order of their names, which begin with the time.
   *
   * @param time seconds since 1970
   */
  static EventFile begin(Path folder, double time) {
    Path file = folder.resolve(PREFIX + "%010d.filtrate".formatted((long) time));
    try {
      Files.createDirectories(folder);
      for (int i = 1; Files.exists(file); i++) {
        file = folder.resolve(PREFIX + "%010d.filtrate.%03d".formatted((long) time, i));
      }
      OutputStream out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW);
      EventFile events = new EventFile(file, new BufferedOutputStream(out, 1 << 16));
      events.write(Event.newBuilder().setWallTime(time).setFileVersion(VERSION).build());
      return events;
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }

  /** Says that a run goes on here: what earlier files hold of this step and later ones is void. */
  void restart(double time, int step) {
    SessionLog start = SessionLog.newBuilder().setStatus(SessionLog.SessionStatus.START).build();
    write(Event.newBuilder().setWallTime(time).setStep(step).setSessionLog(start).build());
  }

  /** Writes scalars by their tags. */
  void scalars(double time, int step, Map<String, ? extends Number> values) {
    Summary.Builder summary = Summary.newBuilder();
    values.forEach(
        (tag, value) ->
            summary.addValue(
                Summary.Value.newBuilder().setTag(tag).setSimpleValue(value.floatValue())));
    write(Event.newBuilder().setWallTime(time).setStep(step).setSummary(summary).build());
  }

  private void write(MessageLite event) {
    try {
      out.write(record(event.toByteArray()));
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }

  /** A message in its frame. */
  static byte[] record(byte[] message) {
    ByteBuffer frame =
        ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + message.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    frame.putLong(message.length);
    frame.putInt(checksum(frame.array(), Long.BYTES));
    frame.put(message);
    frame.putInt(checksum(message, message.length));
    return frame.array();
  }

  /** CRC-32C, rotated and shifted as TFRecord has it. */
  private static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK;
  }

  /** Writes everything through, so that a TensorBoard that watches sees it. */
  void flush() {
    try {
      out.flush();
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(file, e);
    }
  }
}
