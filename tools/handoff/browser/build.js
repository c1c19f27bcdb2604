// Puts the page together in dist/: the bundled program, ONNX Runtime's WebAssembly, and a student.
//
//   node build.js FOLDER      FOLDER is what `filtrate export` or `filtrate run` wrote

import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

/** The folder with the WebAssembly of the very version that transformers.js was made for. */
function runtime() {
  const transformers = createRequire(import.meta.url).resolve("@huggingface/transformers");
  return dirname(createRequire(transformers).resolve("onnxruntime-web"));
}

export async function page(folder) {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(join(dist, "ort"), { recursive: true });
  await build({
    entryPoints: [join(here, "app.js")],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    outfile: join(dist, "app.js"),
    logLevel: "warning",
  });
  cpSync(join(here, "index.html"), join(dist, "index.html"));
  for (const file of readdirSync(runtime())) {
    if (/^ort-wasm-simd-threaded.*\.(wasm|mjs)$/.test(file)) {
      cpSync(join(runtime(), file), join(dist, "ort", file));
    }
  }
  cpSync(folder, join(dist, "model"), { recursive: true });
  return dist;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.length !== 3) {
    console.error("usage: node build.js FOLDER");
    process.exit(2);
  }
  console.log(await page(process.argv[2]));
}
