package dev.filtrate.data;

import io.airlift.compress.Decompressor;
import io.airlift.compress.lz4.Lz4Decompressor;
import io.airlift.compress.snappy.SnappyDecompressor;
import io.airlift.compress.zstd.ZstdDecompressor;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/**
 * Decompresses the pages of a Parquet file in Java; the library's own way asks for Hadoop's codecs.
 */
final class ParquetPages implements CompressionCodecFactory {
  @Override
  public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
    return new Pages(codec);
  }

  @Override
  public BytesInputCompressor getCompressor(CompressionCodecName codec) {
    throw new UnsupportedOperationException("files are read only");
  }

  @Override
  public void release() {}

  private record Pages(CompressionCodecName codec) implements BytesInputDecompressor {
    @Override
    public BytesInput decompress(BytesInput page, int size) throws IOException {
      byte[] in = page.toInputStream().readAllBytes();
      byte[] out = new byte[size];
      switch (codec) {
        case UNCOMPRESSED -> {
          return page;
        }
        case GZIP -> gunzip(in, out);
        case SNAPPY -> decompress(new SnappyDecompressor(), in, out);
        case ZSTD -> decompress(new ZstdDecompressor(), in, out);
        case LZ4_RAW -> decompress(new Lz4Decompressor(), in, out);
        default -> throw new IOException("the compression " + codec + " is not supported");
      }
      return BytesInput.from(out);
    }

    private static void decompress(Decompressor by, byte[] in, byte[] out) throws IOException {
      int got = by.decompress(in, 0, in.length, out, 0, out.length);
      if (got != out.length) {
        throw new IOException("a page holds " + got + " bytes, not " + out.length);
      }
    }

    private static void gunzip(byte[] in, byte[] out) throws IOException {
      try (DataInputStream unzipped =
          new DataInputStream(new GZIPInputStream(new ByteArrayInputStream(in)))) {
        unzipped.readFully(out);
      }
    }

    @Override
    public void decompress(ByteBuffer in, int inSize, ByteBuffer out, int outSize) {
      throw new UnsupportedOperationException("for off-heap memory, which is not used");
    }

    @Override
    public void release() {}
  }
}
