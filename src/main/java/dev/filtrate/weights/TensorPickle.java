package dev.filtrate.weights;

import dev.filtrate.base.UserError;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a pickle (Python's protocols 2 to 5) of tensors in plain containers. A pickle is a program
 * that may name any function of Python; this reader knows the few that make tensors, and refuses
 * every other by name before anything is done with it. Nothing is ever called: tensors become
 * {@link StoredTensor}, dicts {@link Map}, lists {@link List}, tuples {@link Tuple}, None {@link
 * #NONE}.
 */
final class TensorPickle {
  static final Object NONE = Tag.NONE;

  private static final String TENSOR = "torch._utils._rebuild_tensor_v2";
  private static final String TENSOR_OLD = "torch._utils._rebuild_tensor";
  private static final String PARAMETER = "torch._utils._rebuild_parameter";
  private static final String DICT = "collections.OrderedDict";
  private static final String SIZE = "torch.Size";
  private static final Set<String> KNOWN = Set.of(TENSOR, TENSOR_OLD, PARAMETER, DICT, SIZE);

  private final Path file;
  private final ByteBuffer in;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();

  private enum Tag {
    NONE,
    MARK
  }

  /** A function or class of Python. */
  private record Global(String name) {}

  /** A tuple. */
  record Tuple(List<Object> items) {}

  /**
   * Numbers in an entry of the archive.
   *
   * @param type as PyTorch names it: {@code FloatStorage}
   * @param key the entry's name below {@code data/}
   * @param size how many numbers
   */
  record Storage(String type, String key, long size) {}

  /** A view of a storage: number {@code offset + Σ index·stride}, as pickled, not yet checked. */
  record StoredTensor(Storage storage, long offset, List<Long> size, List<Long> stride) {}

  private TensorPickle(Path file, ByteBuffer in) {
    this.file = file;
    this.in = in.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The object that a pickle makes; {@code file} is for messages. */
  static Object read(Path file, ByteBuffer pickle) {
    TensorPickle reader = new TensorPickle(file, pickle);
    try {
      return reader.run();
    } catch (BufferUnderflowException e) {
      throw reader.damaged("it ends early");
    }
  }

  private Object run() {
    while (true) {
      int at = in.position();
      int op = Byte.toUnsignedInt(in.get());
      if (op == '.') {
        return pop();
      }
      if (!values(op) && !containers(op) && !objects(op)) {
        throw damaged("instruction 0x%02x at byte %d is not one of tensors".formatted(op, at));
      }
    }
  }

  /** Plain values, and those that were there before. */
  private boolean values(int op) {
    switch (op) {
      case 0x80 -> in.get(); // protocol
      case 0x95 -> in.getLong(); // frame
      case 'N' -> push(NONE);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'K' -> push((long) Byte.toUnsignedInt(in.get()));
      case 'M' -> push((long) Short.toUnsignedInt(in.getShort()));
      case 'J' -> push((long) in.getInt());
      case 0x8a -> push(wide(Byte.toUnsignedInt(in.get())));
      case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
      case 'X' -> push(text(Integer.toUnsignedLong(in.getInt())));
      case 0x8c -> push(text(Byte.toUnsignedInt(in.get())));
      case 0x8d -> push(text(in.getLong()));
      case 'q' -> memo.put((long) Byte.toUnsignedInt(in.get()), top());
      case 'r' -> memo.put(Integer.toUnsignedLong(in.getInt()), top());
      case 0x94 -> memo.put((long) memo.size(), top());
      case 'h' -> push(remembered(Byte.toUnsignedInt(in.get())));
      case 'j' -> push(remembered(Integer.toUnsignedLong(in.getInt())));
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean containers(int op) {
    switch (op) {
      case '(' -> push(Tag.MARK);
      case ')' -> push(new Tuple(List.of()));
      case 't' -> push(new Tuple(toMark()));
      case 0x85, 0x86, 0x87 -> push(new Tuple(last(op - 0x84)));
      case ']' -> push(new ArrayList<>());
      case '}' -> push(new LinkedHashMap<>());
      case 'a' -> append(last(1));
      case 'e' -> append(toMark());
      case 's' -> put(last(2));
      case 'u' -> put(toMark());
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean objects(int op) {
    switch (op) {
      case 'c' -> push(global(line(), line()));
      case 0x93 -> {
        List<Object> names = last(2);
        push(global(text(names.get(0)), text(names.get(1))));
      }
      case 'i' -> throw refused(line() + "." + line());
      case 'Q' -> push(storage(pop()));
      case 'R' -> {
        List<Object> call = last(2);
        push(call(call.get(0), items(call.get(1))));
      }
      case 'b' -> {
        pop(); // what PyTorch notes on a dict: versions of its modules
        map(top());
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private Global global(String module, String name) {
    String full = module + "." + name;
    if (KNOWN.contains(full) || full.matches("torch\\.[A-Z][A-Za-z0-9]*Storage")) {
      return new Global(full);
    }
    throw refused(full);
  }

  private UserError refused(String name) {
    return new UserError(
        "%s: its pickle asks for '%s'; only tensors in plain containers are read, so save the model's"
                .formatted(file, name.replaceAll("\\p{Cntrl}", "?"))
            + " state_dict() alone, or as safetensors");
  }

  /** ('storage', class, key, where it was, how many). */
  private Storage storage(Object id) {
    List<Object> parts = items(id);
    if (parts.size() == 5
        && "storage".equals(parts.get(0))
        && parts.get(1) instanceof Global type
        && type.name().endsWith("Storage")
        && parts.get(2) instanceof String key
        && parts.get(4) instanceof Long size) {
      return new Storage(type.name().substring("torch.".length()), key, size);
    }
    throw damaged("a reference to a storage has another form");
  }

  private Object call(Object function, List<Object> arguments) {
    String name = function instanceof Global global ? global.name() : "";
    switch (name) {
      case TENSOR, TENSOR_OLD -> {
        if (arguments.size() >= 4
            && arguments.get(0) instanceof Storage storage
            && arguments.get(1) instanceof Long offset) {
          List<Long> size = numbers(arguments.get(2));
          return new StoredTensor(storage, offset, size, numbers(arguments.get(3)));
        }
      }
      case PARAMETER -> {
        if (!arguments.isEmpty() && arguments.get(0) instanceof StoredTensor tensor) {
          return tensor;
        }
      }
      case SIZE -> {
        if (arguments.size() == 1) {
          return new Tuple(items(arguments.get(0)));
        }
      }
      case DICT -> {
        Map<Object, Object> dict = new LinkedHashMap<>();
        for (Object pair : arguments.isEmpty() ? List.of() : items(arguments.get(0))) {
          put(dict, items(pair));
        }
        return dict;
      }
      default -> {}
    }
    throw damaged("a call of '%s' has another form".formatted(name));
  }

  private List<Long> numbers(Object tuple) {
    List<Long> numbers = new ArrayList<>();
    for (Object item : items(tuple)) {
      if (!(item instanceof Long number)) {
        throw damaged("a tensor's sizes are no whole numbers");
      }
      numbers.add(number);
    }
    return numbers;
  }

  private List<Object> items(Object value) {
    if (value instanceof Tuple tuple) {
      return tuple.items();
    }
    if (value instanceof List<?> list) {
      return new ArrayList<>(list);
    }
    throw damaged("a tuple is missing");
  }

  private void append(List<Object> items) {
    if (!(top() instanceof List<?>)) {
      throw damaged("a list is missing");
    }
    @SuppressWarnings("unchecked") // every list here was made as one of objects
    List<Object> list = (List<Object>) top();
    list.addAll(items);
  }

  private void put(List<Object> items) {
    put(map(top()), items);
  }

  /** Keys are plain values: those that contain others could contain themselves. */
  private void put(Map<Object, Object> map, List<Object> items) {
    for (int i = 0; i < items.size(); i += 2) {
      Object key = items.get(i);
      boolean plain = key instanceof String || key instanceof Number || key instanceof Boolean;
      if (!plain || i + 1 == items.size()) {
        throw damaged("a dict has another form");
      }
      map.put(key, items.get(i + 1));
    }
  }

  @SuppressWarnings("unchecked") // every map here was made as one of objects
  private Map<Object, Object> map(Object value) {
    if (value instanceof Map<?, ?> map) {
      return (Map<Object, Object>) map;
    }
    throw damaged("a dict is missing");
  }

  private void push(Object value) {
    stack.add(value);
  }

  private Object top() {
    if (stack.isEmpty() || stack.get(stack.size() - 1) == Tag.MARK) {
      throw damaged("a value is missing");
    }
    return stack.get(stack.size() - 1);
  }

  private Object pop() {
    Object value = top();
    stack.remove(stack.size() - 1);
    return value;
  }

  private List<Object> last(int count) {
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      values.add(0, pop());
    }
    return values;
  }

  private List<Object> toMark() {
    int mark = stack.lastIndexOf(Tag.MARK);
    if (mark < 0) {
      throw damaged("a value is missing");
    }
    List<Object> above = stack.subList(mark + 1, stack.size());
    List<Object> values = new ArrayList<>(above);
    above.clear();
    stack.remove(mark);
    return values;
  }

  private Object remembered(long key) {
    Object value = memo.get(key);
    if (value == null) {
      throw damaged("a value is missing");
    }
    return value;
  }

  private long wide(int bytes) {
    if (bytes > 8) {
      throw damaged("a number has %d bytes".formatted(bytes));
    }
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      byte next = in.get();
      long digit = i == bytes - 1 ? next : Byte.toUnsignedLong(next); // the last one has the sign
      value |= digit << (8 * i);
    }
    return value;
  }

  private String text(long bytes) {
    if (bytes < 0 || bytes > in.remaining()) {
      throw damaged("it ends early");
    }
    byte[] utf8 = new byte[(int) bytes];
    in.get(utf8);
    return new String(utf8, StandardCharsets.UTF_8);
  }

  private String text(Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw damaged("a name is missing");
  }

  private String line() {
    int from = in.position();
    while (in.get() != '\n') {}
    byte[] bytes = new byte[in.position() - 1 - from];
    in.get(from, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private UserError damaged(String what) {
    return new UserError(
        "%s: its pickle is damaged: %s; fetch or write it again".formatted(file, what));
  }
}
