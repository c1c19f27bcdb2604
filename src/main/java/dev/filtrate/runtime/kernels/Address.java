package dev.filtrate.runtime.kernels;

import org.bytedeco.javacpp.Pointer;

/** A number as native functions take it for a pointer; it owns nothing. */
final class Address extends Pointer {
  Address(long address) {
    this.address = address;
  }
}
