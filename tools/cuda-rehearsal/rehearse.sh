#!/usr/bin/env bash
# Runs Filtrate's CUDA build on a host without a GPU, over libraries that stand for CUDA's and compute nothing: sessions
# open, the runtime places nodes, inserts copies and captures graphs as on a GPU; the numbers that come out mean nothing.
#
#   tools/cuda-rehearsal/rehearse.sh bench default --device cuda --batch 2 --length 16 --steps 2
#
# At the end standard error has the number of kernels, streams, copies, waits, captures and replays, before it a line for
# pinned memory that was changed too early; what is read too early is NaN. BUNDLE is what "tools/bundle.sh --cuda" made
# (default target/bundle/filtrate-linux-x86_64-cuda), CUDA_INCLUDE the folder of CUDA's headers (default
# /usr/local/cuda/include; Python's nvidia-cuda-runtime and nvidia-cuda-crt have them too). Wants cc, nm and unzip.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bundle=${BUNDLE:-$here/../../target/bundle/filtrate-linux-x86_64-cuda}
include=${CUDA_INCLUDE:-/usr/local/cuda/include}
[ -d "$bundle" ] || { echo "rehearse.sh: no bundle at $bundle; make one with tools/bundle.sh --cuda" >&2; exit 2; }
[ -f "$include/cuda_runtime_api.h" ] || { echo "rehearse.sh: no cuda_runtime_api.h in $include; say CUDA_INCLUDE" >&2; exit 2; }

work=$here/../../target/cuda-rehearsal
if [ ! -f "$work/lib/libcudart.so.13" ] || [ "$here/cudart.c" -nt "$work/lib/libcudart.so.13" ]; then
  rm -rf "$work"
  mkdir -p "$work/lib"
  unzip -qoj "$bundle"/app/lib/onnxruntime-*-gpu.jar '*/libonnxruntime_providers_cuda.so' -d "$work"

  # The other libraries: every function that the provider wants, succeeding; what creates something delivers an address.
  for soname in libcublas.so.13 libcublasLt.so.13 libcudnn.so.9 libcufft.so.12; do
    {
      echo 'static long thing[8];'
      nm -D --undefined-only "$work/libonnxruntime_providers_cuda.so" | sed -n "s/.* \(.*\)@$soname\$/\1/p" |
        while read -r function; do
          case $function in
            cudnnGetVersion) echo "unsigned long $function(void) { return 91000; }" ;;
            cudnnGet*ErrorString) echo "const char *$function(void) { return \"rehearsal\"; }" ;;
            cublasLtMatmulAlgoGetHeuristic)
              echo "int $function(void *a, void *b, void *c, void *d, void *e, void *f, void *g, int n, void *r, int *found) { return *found = 1, 0; }" ;;
            cudnnGetReduction*Size) echo "int $function(void *a, void *b, void *c, void *d, unsigned long *size) { return *size = 16, 0; }" ;;
            cudnnBackendCreateDescriptor) echo "int $function(int kind, void **made) { return *made = thing, 0; }" ;;
            cufftCreate) echo "int $function(int *made) { return *made = 1, 0; }" ;;
            *Create*) echo "int $function(void **made) { return *made = thing, 0; }" ;;
            *) echo "int $function(void) { return 0; }" ;;
          esac
        done
    } >"$work/$soname.c"
    echo "$soname { global: *; };" >"$work/$soname.map"
    cc -shared -fPIC -w -Wl,-soname,$soname -Wl,--version-script="$work/$soname.map" "$work/$soname.c" -o "$work/lib/$soname"
  done
  echo 'libcudart.so.13 { global: *; };' >"$work/cudart.map"
  cc -O1 -shared -fPIC -Wall -I"$include" -Wl,-soname,libcudart.so.13 -Wl,--version-script="$work/cudart.map" \
    "$here/cudart.c" -o "$work/lib/libcudart.so.13"
  ln -s libcudart.so.13 "$work/lib/libcudart.so" # the tokenizers' library looks for this one, and is to find no other
fi
LD_LIBRARY_PATH=$work/lib exec "$bundle/filtrate" "$@"
