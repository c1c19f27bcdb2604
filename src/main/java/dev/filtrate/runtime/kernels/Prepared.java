package dev.filtrate.runtime.kernels;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** What was made for some sizes, kept for the next time; of too many the longest unused goes. */
final class Prepared<K, V extends AutoCloseable> {
  private final Map<K, V> made = new LinkedHashMap<>(16, 0.75f, true);
  private final int most;
  private final Function<K, V> maker;

  Prepared(int most, Function<K, V> maker) {
    this.most = most;
    this.maker = maker;
  }

  V of(K key) {
    V known = made.get(key);
    if (known == null) {
      known = maker.apply(key);
      made.put(key, known);
      if (made.size() > most) {
        Iterator<V> oldest = made.values().iterator();
        close(oldest.next());
        oldest.remove();
      }
    }
    return known;
  }

  private static void close(AutoCloseable unused) {
    try {
      unused.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
