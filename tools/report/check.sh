#!/usr/bin/env bash
# Looks at report pages in headless Chromium: every chart drawn, no error (check.js). Says so and passes where npm brings no browser.
#
#   tools/report/check.sh [--pictures FOLDER] PAGE...
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v npm >/dev/null || ! (cd "$here/../handoff/browser" && npm install --silent --no-audit --no-fund) >/dev/null 2>&1; then
  echo "report pages not looked at: npm brings no browser here"
  exit 0
fi
node "$here/check.js" "$@"
