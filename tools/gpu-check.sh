#!/usr/bin/env bash
# On a host with an NVIDIA GPU: is everything there, is it right, and how fast is it beside PyTorch?
#
#   tools/gpu-check.sh [--batches "32 128"] [--length 128] [--steps 20] [--out FOLDER] [doctor] [verify] [bench] [run]
#
#   doctor  what there is, and whether cuda:0 can be used
#   verify  reference cases in float32 without TF32, as they are and replayed: CASES (default the small ones that come
#           along, and those of ../shared)
#   bench   a Stage-II step and the student's forward pass of DeBERTa-v3-base -> -xsmall, in every precision, beside PEER
#   run     the embedded task on the GPU in float32, bf16 and bf16 replayed: its accuracies belong beside those of the CPU in the README
#
# All four, in this order, unless some are named. PYTHON (default python3) holds torch and transformers; its nvidia
# packages are where CUDA 13 and cuDNN 9 are looked for too. PEER is the PyTorch script (default
# ../shared/bench/peer_torch.py; "bench" goes without where it is absent). Results stay in FOLDER (default gpu-check).
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "gpu-check.sh: $1" >&2
  exit 2
}

batches="32 128" length=128 steps=20 out=gpu-check sections=
while [ $# -gt 0 ]; do
  case $1 in
    --batches) batches=${2:?"--batches: expected numbers"} && shift ;;
    --length) length=${2:?"--length: expected a number"} && shift ;;
    --steps) steps=${2:?"--steps: expected a number"} && shift ;;
    --out) out=${2:?"--out: expected a folder"} && shift ;;
    doctor | verify | bench | run) sections="$sections $1" ;;
    *) fail "unknown argument '$1'; see the head of this file" ;;
  esac
  shift
done
python=${PYTHON:-python3}
peer=${PEER:-../shared/bench/peer_torch.py}
mkdir -p "$out"

# CUDA's libraries as Python's packages bring them: nvidia/cu13/lib, nvidia/cudnn/lib and so on.
if command -v "$python" >/dev/null; then
  packaged=$("$python" - <<'PY'
import glob, os, sys
print(":".join(d for p in sys.path for d in sorted(glob.glob(os.path.join(p, "nvidia", "*", "lib")))))
PY
  )
  export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$packaged
fi

doctor() {
  nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader || true
  ./filtrate doctor --device cuda
}

verify() {
  cases=${CASES:-$(ls -d cases/*/ src/test/resources/cases/*/ ../shared/fixtures/{bert,roberta,electra,distilbert,deberta,ted}-*/ 2>/dev/null || true)}
  [ -n "$cases" ] || fail "no reference cases found; say CASES='FOLDER...'"
  # shellcheck disable=SC2086
  ./filtrate verify $cases --device cuda --target ort --brief | tee "$out/verify.txt"
  # shellcheck disable=SC2086
  ./filtrate verify $cases --device cuda --target ort --brief --enable_cuda_graph | tee "$out/verify-graphs.txt"
}

ours() { # name, batch, flags
  local file=$out/$1-b$2.json
  ./filtrate bench --device cuda --batch "$2" --length "$length" --steps "$steps" \
    --parts stage2_step,stage1_step,student_forward --json --quiet "${@:3}" >"$file" ||
    { echo "filtrate bench ${*:3} failed" >&2; rm -f "$file"; }
}

theirs() { # mode, batch
  "$python" "$peer" --device cuda --batch "$2" --length "$length" --steps "$steps" --mode "$1" \
    >"$out/peer-$1-b$2.txt" || { echo "$peer --mode $1 failed" >&2; rm -f "$out/peer-$1-b$2.txt"; }
}

bench() {
  for batch in $batches; do
    ours float32 "$batch"
    ours tf32 "$batch" --tf32
    ours fp16 "$batch" --mixed_precision fp16
    ours bf16 "$batch" --mixed_precision bf16
    ours fp16-graphs "$batch" --mixed_precision fp16 --enable_cuda_graph
    ours bf16-graphs "$batch" --mixed_precision bf16 --enable_cuda_graph
    if [ -f "$peer" ]; then
      for mode in eager bf16 compile-bf16; do
        theirs "$mode" "$batch"
      done
    else
      echo "no PyTorch script at $peer; say PEER=FILE to compare" >&2
    fi
  done
  "$python" - "$out" "$length" $batches <<'PY' | tee "$out/bench.txt"
import json, os, re, sys
out, length, batches = sys.argv[1], sys.argv[2], sys.argv[3:]
PEAK = {"float32": 67e12, "tf32": 494.7e12}  # one H200, dense; 16 bits: 989.4e12
read = lambda name: open(os.path.join(out, name)).read()
for batch in batches:
    peers = {}
    for mode in ("eager", "bf16", "compile-bf16"):
        try:
            text = read(f"peer-{mode}-b{batch}.txt")
            peers[mode] = {
                "stage2_step": float(re.search(r"step median ([\d.]+)", text).group(1)),
                "student_forward": float(re.search(r"forward median ([\d.]+)", text).group(1))}
        except (OSError, AttributeError):
            pass
    print(f"B={batch} S={length}; ms, TFLOP/s of the products, share of the card's peak, ratio to PyTorch's")
    for name in ("float32", "tf32", "fp16", "bf16", "fp16-graphs", "bf16-graphs"):
        try:
            result = json.loads(read(f"{name}-b{batch}.json"))
        except (OSError, ValueError):
            continue
        for part in ("stage2_step", "stage1_step", "student_forward"):
            figures = result[part]
            median, rate = figures["median_s"], 1e9 * figures["gflop"] / figures["median_s"]
            ratios = "  ".join(
                f"{mode} {median / peers[mode][part]:.2f}" for mode in peers if part in peers[mode])
            placement = figures.get("placement", {})
            print(f"  {name:12} {part:16} {1e3 * median:8.2f} {rate / 1e12:7.1f} "
                  f"{rate / PEAK.get(name, 989.4e12):6.1%}  {ratios}  "
                  f"[copies {placement.get('copy_nodes')}, on the processor {placement.get('on_host')}]")
        print(f"  {name:12} matrix product   {result['matmul_gflops'] / 1e3:.0f} TFLOP/s")
    for mode, parts in peers.items():
        print(f"  PyTorch {mode}: " + ", ".join(f"{p} {1e3 * s:.2f} ms" for p, s in parts.items()))
PY
}

run() {
  for precision in no bf16; do
    ./filtrate run default --device cuda --mixed_precision "$precision" --output_dir "$out/run-$precision"
  done
  ./filtrate run default --device cuda --mixed_precision bf16 --enable_cuda_graph \
    --set tokenizer.pad_to_multiple_of=32 --output_dir "$out/run-bf16-graphs"
}

for section in ${sections:-doctor verify bench run}; do
  echo "== $section"
  "$section"
done
