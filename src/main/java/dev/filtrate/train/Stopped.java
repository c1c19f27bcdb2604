package dev.filtrate.train;

/** Thrown when a stage was asked to stop; its state is in a checkpoint. */
public final class Stopped extends RuntimeException {
  Stopped(String stage, int step) {
    super("stopped in " + stage + " after update " + step + "; go on with --resume");
  }
}
