// Bundles the page into dist/: `node scripts/build.mjs [--watch]`.
//
// The names of the assets contain a hash of their content, so that the server can let browsers keep them for ever.
// dist/manifest.json names the script and the style sheet of the shell.
import { rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** The options that the page and its development server share. @type {esbuild.BuildOptions} */
export const options = {
  absWorkingDir: root,
  entryPoints: { app: "src/main.tsx" },
  bundle: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  legalComments: "external",
  outdir: dist,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  metafile: true,
  logLevel: "warning",
};

/** Builds dist/ anew. */
export async function build() {
  await rm(dist, { recursive: true, force: true });
  const result = await esbuild.build({ ...options, metafile: true });
  const outputs = Object.keys(result.metafile.outputs).map((path) => basename(path));
  const named = (/** @type {string} */ end) =>
    outputs.find((name) => name.startsWith("app-") && name.endsWith(end));
  const manifest = { script: named(".js"), style: named(".css") };
  await writeFile(join(dist, "manifest.json"), `${JSON.stringify(manifest)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
