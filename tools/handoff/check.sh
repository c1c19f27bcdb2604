#!/usr/bin/env bash
# Runs programs of this folder on an export; each checks itself against the export's golden/.
#
#   tools/handoff/check.sh FOLDER                    all that this host has tools for
#   tools/handoff/check.sh FOLDER java node          these, and fails where tools are missing
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2; }
folder=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "$0")" && pwd)
wanted=("$@")
[ $# -gt 0 ] || wanted=(python node browser java djl cpp rust csharp)

# What a program needs before it can run; fails where that is not to be had.
prepare() {
  case $1 in
    python)
      command -v python3 >/dev/null && python3 -m venv build/venv &&
        build/venv/bin/pip install --quiet --requirement requirements.txt ;;
    node) command -v npm >/dev/null && npm install --silent --no-audit --no-fund ;;
    browser)
      [ "$(uname -s)" = Linux ] || [ -n "${CHROMIUM:-}" ] &&
        command -v npm >/dev/null && npm install --silent --no-audit --no-fund ;;
    java | djl) "$here/../../mvnw" -B -q -f pom.xml process-classes ;;
    cpp) command -v cmake >/dev/null && cmake -S . -B build >/dev/null && cmake --build build ;;
    rust) command -v cargo >/dev/null && cargo build --quiet --release --target-dir target ;;
    csharp) command -v dotnet >/dev/null && dotnet build --nologo -v quiet ;;
  esac
}

check() {
  case $1 in
    python) build/venv/bin/python student.py "$folder" ;;
    node) node student.js "$folder" && node pipeline.js "$folder" ;;
    browser) node check.js "$folder" ;;
    java) java -cp 'target/classes:target/lib/*' handoff.Student "$folder" ;;
    djl) java -cp 'target/classes:target/lib/*' handoff.DjlStudent "$folder" ;;
    cpp) build/student "$folder" ;;
    rust) target/release/handoff-rust "$folder" ;;
    csharp) dotnet run --no-build -- "$folder" ;;
  esac
}

failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for program in "${wanted[@]}"; do
  cd "$here/$program" 2>/dev/null || { echo "no program '$program' in $here"; exit 2; }
  echo "== $program"
  if (prepare "$program") >"$log" 2>&1; then
    check "$program" || failed=1
  elif [ $# -gt 0 ]; then
    tail -20 "$log"
    echo "not run: what it needs is not to be had"
    failed=1
  else
    echo "not run: $(tail -1 "$log" | cut -c1-200)"
  fi
done
exit $failed
