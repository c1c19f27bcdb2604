#!/usr/bin/env bash
# Makes a folder and an archive of it that run on a host without Java, Maven or network: launcher, a trimmed Java
# runtime of this platform, jars with native libraries, recipes and the embedded data.
#
#   tools/bundle.sh [--cuda] [--split SIZE] [--out FOLDER]
#
#   --cuda        with ONNX Runtime's CUDA provider (the host brings CUDA 13 and cuDNN 9), small reference cases and gpu-check.sh
#   --split SIZE  cut the archive into pieces of at most SIZE (such as 60M); cat PIECES | tar -xJ puts them together
#   --out FOLDER  where to (default target/bundle)
#
# Wants a JDK with jmods (JAVA_HOME, else the one on the path) and xz.
set -euo pipefail
here=$(pwd)
cd "$(dirname "$0")/.."

fail() {
  echo "bundle.sh: $1" >&2
  exit 2
}

cuda= split= out=target/bundle
while [ $# -gt 0 ]; do
  case $1 in
    --cuda) cuda=-cuda ;;
    --split) split=${2:?"--split: expected a size, such as 60M"} && shift ;;
    --out) out=${2:?"--out: expected a folder"} && shift
      case $out in /*) ;; *) out=$here/$out ;; esac ;;
    *) fail "unknown argument '$1'; see the head of this file" ;;
  esac
  shift
done

java=${JAVA_HOME:+$JAVA_HOME/bin/java}
java=$(readlink -f "${java:-$(command -v java)}") || fail "no java found; install a JDK 17 or newer"
jdk=$(dirname "$(dirname "$java")")
[ -d "$jdk/jmods" ] || fail "$jdk has no jmods to make a Java runtime of; install a whole JDK, or set JAVA_HOME to one"
command -v xz >/dev/null || fail "no xz found; install it"

# The launcher's own build stays as it is.
build=target/bundle-build
rm -rf "$build"
mkdir -p "$build"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$build"
(cd "$build" && sh ./mvnw -q -B -ntp -Dmaven.test.skip=true -Dassembly.skipAssembly=true ${cuda:+-Pcuda} package)

platform=$(basename "$(ls "$build"/target/lib/onnxruntime-*-*-*.jar)" .jar | sed 's/.*-\([a-z]*-[a-z0-9_]*\)\(-gpu\)\{0,1\}$/\1/')
name=filtrate-$platform$cuda
bundle=$out/$name
rm -rf "$bundle" "$bundle".tar.xz*
mkdir -p "$bundle/app"
cp -r "$build/target/filtrate.jar" "$build/target/lib" "$bundle/app/"
cp -r filtrate data docs README.md LICENSE "$bundle/"
if [ -n "$cuda" ]; then # what a GPU host is checked with
  mkdir "$bundle/tools"
  cp tools/gpu-check.sh "$bundle/tools/"
  cp -r src/test/resources/cases "$bundle/"
fi

# What the jars need (jdeps cannot tell: some are modules that require absent ones), TLS for fetch, and
# further charsets for data files.
modules=java.base,java.logging,java.management,java.naming,java.net.http,java.xml,jdk.unsupported,jdk.zipfs,jdk.crypto.ec,jdk.charsets
"$jdk/bin/jlink" --add-modules "$modules" --strip-java-debug-attributes --no-header-files --no-man-pages \
  --output "$bundle/runtime"
rm -rf "$build"

tar -C "$out" -c "$name" | xz -T0 -6 >"$bundle.tar.xz.part"
if [ -n "$split" ]; then
  split -b "$split" -d "$bundle.tar.xz.part" "$bundle.tar.xz."
  rm "$bundle.tar.xz.part"
else
  mv "$bundle.tar.xz.part" "$bundle.tar.xz"
fi
du -sh "$bundle" "$bundle".tar.xz*
