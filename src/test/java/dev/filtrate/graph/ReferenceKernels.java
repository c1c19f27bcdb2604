package dev.filtrate.graph;

import java.util.Arrays;
import java.util.List;
import org.apache.commons.math3.special.Erf;

/** The formulas of {@link ReferenceEvaluator} that take more than a line. */
final class ReferenceKernels {
  private ReferenceKernels() {}

  /** Φ(x). */
  static double normalCdf(double x) {
    return 0.5 * (1 + Erf.erf(x / Math.sqrt(2)));
  }

  /** φ(x) = Φ'(x). */
  static double normalDensity(double x) {
    return Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  }

  static DoubleTensor where(int[] to, DoubleTensor c, DoubleTensor a, DoubleTensor b) {
    DoubleTensor condition = c.stretched(to);
    DoubleTensor result = DoubleTensor.zip(to, a, b, (x, y) -> x);
    DoubleTensor other = b.stretched(to);
    for (int i = 0; i < result.size(); i++) {
      if (condition.get(i) == 0) {
        result.values()[i] = other.get(i);
      }
    }
    return result;
  }

  static DoubleTensor transpose(DoubleTensor x, int[] to, List<Long> perm) {
    int[] from = DoubleTensor.strides(x.dims());
    return x.pick(to, perm.stream().mapToInt(p -> from[p.intValue()]).toArray(), 0);
  }

  static DoubleTensor slice(DoubleTensor x, int[] to, int[] starts, List<Long> axes) {
    int[] strides = DoubleTensor.strides(x.dims());
    int start = 0;
    for (int i = 0; i < starts.length; i++) {
      int axis = (int) (axes.get(i) < 0 ? axes.get(i) + x.rank() : axes.get(i));
      start += starts[i] * strides[axis];
    }
    return x.pick(to, strides, start);
  }

  /** Writes x into {@code into}, its first element at index {@code at}. */
  static DoubleTensor paste(DoubleTensor into, DoubleTensor x, int[] at) {
    int[] strides = DoubleTensor.strides(into.dims());
    int start = 0;
    for (int i = 0; i < at.length; i++) {
      start += at[i] * strides[i];
    }
    int[] places = DoubleTensor.offsets(x.dims(), strides, start);
    for (int i = 0; i < places.length; i++) {
      into.values()[places[i]] = x.get(i);
    }
    return into;
  }

  static DoubleTensor matMul(
      DoubleTensor a, DoubleTensor b, int[] to, boolean transA, boolean transB, double alpha) {
    int rank = to.length;
    int m = to[rank - 2];
    int n = to[rank - 1];
    int inner = a.dim(transA ? -2 : -1);
    int aRow = transA ? 1 : inner; // steps of a along op(a)'s rows and columns
    int aColumn = transA ? m : 1;
    int bRow = transB ? 1 : n;
    int bColumn = transB ? inner : 1;
    int[] batch = Arrays.copyOf(to, rank - 2);
    int[] aStart = matrices(a, batch);
    int[] bStart = matrices(b, batch);
    DoubleTensor y = DoubleTensor.zeros(to);
    for (int k = 0; k < aStart.length; k++) {
      for (int i = 0; i < m; i++) {
        int row = (k * m + i) * n;
        for (int p = 0; p < inner; p++) {
          double factor = alpha * a.get(aStart[k] + i * aRow + p * aColumn);
          for (int j = 0; j < n; j++) {
            y.values()[row + j] += factor * b.get(bStart[k] + p * bRow + j * bColumn);
          }
        }
      }
    }
    return y;
  }

  /** Where the matrix of each batch index starts. */
  private static int[] matrices(DoubleTensor x, int[] batch) {
    int[] full = Arrays.copyOf(batch, batch.length + 2);
    full[batch.length] = x.dim(-2);
    full[batch.length + 1] = x.dim(-1);
    return DoubleTensor.offsets(batch, x.stridesWithin(full), 0);
  }

  /** Sums over axes, which stay with size 1. */
  static DoubleTensor sum(DoubleTensor x, int... axes) {
    int[] dims = x.dims();
    for (int axis : axes) {
      dims[axis] = 1;
    }
    DoubleTensor sum = DoubleTensor.zeros(dims);
    int[] places = DoubleTensor.offsets(x.dims(), sum.stridesWithin(x.dims()), 0);
    for (int i = 0; i < places.length; i++) {
      sum.values()[places[i]] += x.get(i);
    }
    return sum;
  }

  static DoubleTensor cumSum(DoubleTensor x, int axis, boolean reverse) {
    DoubleTensor y = x.map(value -> value);
    int step = DoubleTensor.strides(x.dims())[axis];
    int size = x.dim(axis);
    for (int i = 0; i < x.size(); i++) {
      int at = reverse ? x.size() - 1 - i : i;
      int place = at / step % size;
      if (place != (reverse ? size - 1 : 0)) {
        y.values()[at] += y.get(reverse ? at + step : at - step);
      }
    }
    return y;
  }

  private static DoubleTensor max(DoubleTensor x, int axis) {
    DoubleTensor largest = sum(x, axis).map(any -> Double.NEGATIVE_INFINITY);
    int[] places = DoubleTensor.offsets(x.dims(), largest.stridesWithin(x.dims()), 0);
    for (int i = 0; i < places.length; i++) {
      largest.values()[places[i]] = Math.max(largest.get(places[i]), x.get(i));
    }
    return largest;
  }

  static DoubleTensor softmax(DoubleTensor x, int axis) {
    DoubleTensor e = DoubleTensor.zip(x.dims(), x, max(x, axis), (a, b) -> Math.exp(a - b));
    return DoubleTensor.zip(x.dims(), e, sum(e, axis), (a, b) -> a / b);
  }

  /** Number by number: softmax(scale · q·kᵀ + bias)·v; heads side by side, (B, S, h·d). */
  static DoubleTensor attention(
      DoubleTensor q, DoubleTensor k, DoubleTensor v, DoubleTensor bias, int heads, double scale) {
    int s = q.dim(1);
    int width = q.dim(2);
    int d = width / heads;
    DoubleTensor y = DoubleTensor.zeros(q.dims());
    for (int b = 0; b < q.dim(0); b++) {
      for (int h = 0; h < heads; h++) {
        int head = bias.dim(1) == 1 ? 0 : h;
        for (int i = 0; i < s; i++) {
          double[] scores = new double[s];
          for (int j = 0; j < s; j++) {
            scores[j] = bias.get(((b * bias.dim(1) + head) * s + i) * s + j);
            for (int c = h * d; c < (h + 1) * d; c++) {
              scores[j] += scale * q.get((b * s + i) * width + c) * k.get((b * s + j) * width + c);
            }
          }
          double[] p = softmax(DoubleTensor.vector(scores), 0).values();
          for (int c = h * d; c < (h + 1) * d; c++) {
            for (int j = 0; j < s; j++) {
              y.values()[(b * s + i) * width + c] += p[j] * v.get((b * s + j) * width + c);
            }
          }
        }
      }
    }
    return y;
  }

  static DoubleTensor logSoftmax(DoubleTensor x, int axis) {
    DoubleTensor shifted = DoubleTensor.zip(x.dims(), x, max(x, axis), (a, b) -> a - b);
    DoubleTensor total = sum(shifted.map(Math::exp), axis);
    return DoubleTensor.zip(x.dims(), shifted, total, (a, b) -> a - Math.log(b));
  }

  /** y·(dy − Σ dy·y). */
  static DoubleTensor softmaxGrad(DoubleTensor dy, DoubleTensor y, int axis) {
    DoubleTensor dot = sum(DoubleTensor.zip(y.dims(), dy, y, (a, b) -> a * b), axis);
    DoubleTensor centred = DoubleTensor.zip(y.dims(), dy, dot, (a, b) -> a - b);
    return DoubleTensor.zip(y.dims(), y, centred, (a, b) -> a * b);
  }

  /** dy − eʸ·Σ dy. */
  static DoubleTensor logSoftmaxGrad(DoubleTensor dy, DoubleTensor y, int axis) {
    DoubleTensor share =
        DoubleTensor.zip(y.dims(), y, sum(dy, axis), (a, total) -> Math.exp(a) * total);
    return DoubleTensor.zip(y.dims(), dy, share, (a, b) -> a - b);
  }

  /** Over the last axis: y, mean, 1/√(variance + epsilon). */
  static List<DoubleTensor> layerNormalization(
      DoubleTensor x, DoubleTensor scale, DoubleTensor bias, double epsilon) {
    int[] to = x.dims();
    int last = to.length - 1;
    int n = to[last];
    DoubleTensor mean = sum(x, last).map(total -> total / n);
    DoubleTensor centred = DoubleTensor.zip(to, x, mean, (a, b) -> a - b);
    DoubleTensor invStd =
        sum(centred.map(a -> a * a), last).map(total -> 1 / Math.sqrt(total / n + epsilon));
    DoubleTensor normal = DoubleTensor.zip(to, centred, invStd, (a, b) -> a * b);
    DoubleTensor scaled = DoubleTensor.zip(to, normal, scale, (a, b) -> a * b);
    return List.of(DoubleTensor.zip(to, scaled, bias, Double::sum), mean, invStd);
  }

  /**
   * With z = (x − mean)·invStd and g = dy·scale: dx = invStd·(g − mean(g) − z·mean(g·z)), dscale =
   * Σ dy·z, dbias = Σ dy (Ba et al. 2016).
   */
  static List<DoubleTensor> layerNormalizationGrad(
      DoubleTensor dy, DoubleTensor x, DoubleTensor scale, DoubleTensor mean, DoubleTensor invStd) {
    int n = scale.size();
    int rows = n == 0 ? 0 : x.size() / n;
    DoubleTensor dx = DoubleTensor.zeros(x.dims());
    DoubleTensor dscale = DoubleTensor.zeros(n);
    DoubleTensor dbias = DoubleTensor.zeros(n);
    double[] z = new double[n];
    for (int row = 0; row < rows; row++) {
      double meanG = 0;
      double meanGz = 0;
      for (int j = 0; j < n; j++) {
        int i = row * n + j;
        z[j] = (x.get(i) - mean.get(row)) * invStd.get(row);
        meanG += dy.get(i) * scale.get(j) / n;
        meanGz += dy.get(i) * scale.get(j) * z[j] / n;
        dscale.values()[j] += dy.get(i) * z[j];
        dbias.values()[j] += dy.get(i);
      }
      for (int j = 0; j < n; j++) {
        double g = dy.get(row * n + j) * scale.get(j);
        dx.values()[row * n + j] = invStd.get(row) * (g - meanG - z[j] * meanGz);
      }
    }
    return List.of(dx, dscale, dbias);
  }

  static DoubleTensor gather(DoubleTensor data, DoubleTensor indices, int axis, int[] to) {
    int[] from = gathered(data.dims(), indices, axis);
    double[] y = new double[from.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = data.get(from[i]);
    }
    return DoubleTensor.of(to, y);
  }

  static DoubleTensor gatherGrad(DoubleTensor indices, DoubleTensor dy, int axis, int[] to) {
    DoubleTensor dx = DoubleTensor.zeros(to);
    int[] places = gathered(to, indices, axis);
    for (int i = 0; i < places.length; i++) {
      dx.values()[places[i]] += dy.get(i);
    }
    return dx;
  }

  /** Which element of the data each element of a Gather's result is. */
  private static int[] gathered(int[] data, DoubleTensor indices, int axis) {
    int[] strides = DoubleTensor.strides(data);
    int outer = DoubleTensor.count(Arrays.copyOf(data, axis));
    int inner = strides[axis];
    int[] from = new int[outer * indices.size() * inner];
    int k = 0;
    for (int o = 0; o < outer; o++) {
      for (int i = 0; i < indices.size(); i++) {
        for (int j = 0; j < inner; j++) {
          from[k++] = (o * data[axis] + index(indices, i, data[axis])) * inner + j;
        }
      }
    }
    return from;
  }

  static DoubleTensor gatherElements(DoubleTensor data, DoubleTensor indices, int axis) {
    int[] from = elements(data.dims(), indices, axis);
    double[] y = new double[from.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = data.get(from[i]);
    }
    return DoubleTensor.of(indices.dims(), y);
  }

  static DoubleTensor scatterElements(
      DoubleTensor data, DoubleTensor indices, DoubleTensor updates, int axis, boolean add) {
    DoubleTensor y = data.map(x -> x);
    int[] places = elements(data.dims(), indices, axis);
    for (int i = 0; i < places.length; i++) {
      y.values()[places[i]] = updates.get(i) + (add ? y.get(places[i]) : 0);
    }
    return y;
  }

  /** Which element of the data each element of the indices means. */
  private static int[] elements(int[] data, DoubleTensor indices, int axis) {
    int[] strides = DoubleTensor.strides(data);
    int step = strides[axis];
    strides[axis] = 0;
    int[] places = DoubleTensor.offsets(indices.dims(), strides, 0);
    for (int i = 0; i < places.length; i++) {
      places[i] += index(indices, i, data[axis]) * step;
    }
    return places;
  }

  private static int index(DoubleTensor indices, int i, int size) {
    int index = (int) indices.get(i);
    if (index < -size || index >= size) {
      throw new IndexOutOfBoundsException("index " + index + " of an axis of size " + size);
    }
    return index < 0 ? index + size : index;
  }
}
