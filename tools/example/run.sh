#!/usr/bin/env bash
# Builds the example against this project and runs it: tools/example/run.sh RECIPE OUTPUT_DIR [KEY=VALUE ...]
# Puts Filtrate into the local Maven repository first, as a program elsewhere would find it.
set -euo pipefail
project=$(cd "$(dirname "$0")/../.." && pwd)
(cd "$project" && ./mvnw -q -B -ntp -Dmaven.test.skip=true -Dassembly.skipAssembly=true -Dspotless.check.skip=true install)
"$project/mvnw" -q -B -ntp -f "$project/tools/example/pom.xml" process-classes
exec java -Dai.djl.offline=true -cp "$project/tools/example/target/classes:$project/tools/example/target/lib/*" example.Example "$@"
