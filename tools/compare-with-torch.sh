#!/usr/bin/env bash
# Times one Stage-II step (DeBERTa-v3-base teaches -xsmall, random weights) here and in PyTorch, in turn, and
# prints the ratio of the medians of each pair, with both peak resident sets.
#
#   PYTHON=venv/bin/python tools/compare-with-torch.sh [PAIRS] [BATCH] [LENGTH]
#
# PYTHON needs torch and transformers; PEER is the PyTorch script (default ../shared/bench/peer_torch.py).
set -euo pipefail
cd "$(dirname "$0")/.."

pairs=${1:-3} batch=${2:-8} length=${3:-128}
python=${PYTHON:-python3}
peer=${PEER:-../shared/bench/peer_torch.py}
[ -f "$peer" ] || { echo "no PyTorch script at $peer; say PEER=FILE" >&2; exit 2; }

ours() {
  ./filtrate bench --threads 2 --batch "$batch" --length "$length" --parts stage2_step --json --quiet
}
theirs() {
  "$python" "$peer" --threads 2 --batch "$batch" --length "$length"
}
number() { # the first number after a word of a text
  sed -n "s/.*$1[^0-9]*\([0-9.]*\).*/\1/p" | head -n 1
}

printf '%-6s %12s %12s %8s %12s %12s\n' pair 'filtrate s' 'pytorch s' ratio 'filtrate GB' 'pytorch GB'
for pair in $(seq "$pairs"); do
  a=$(ours)
  b=$(theirs)
  sa=$(number '"median_s"' <<<"$a") sb=$(number 'median ' <<<"$b")
  ma=$(number '"peak_rss_bytes"' <<<"$a") mb=$(number 'max resident ' <<<"$b")
  awk -v p="$pair" -v a="$sa" -v b="$sb" -v ma="$ma" -v mb="$mb" \
    'BEGIN { printf "%-6s %12.3f %12.3f %8.3f %12.2f %12.2f\n", p, a, b, a / b, ma / 1e9, mb }'
done
