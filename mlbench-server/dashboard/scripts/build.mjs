// Bundles the page into dist/: `node scripts/build.mjs`.
//
// The names of the assets contain a hash of their content, so that the server can let browsers keep them for ever.
// dist/manifest.json names the script and the style sheet of the shell.
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
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
  splitting: true,
  minify: true,
  legalComments: "external",
  outdir: dist,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  metafile: true,
  logLevel: "warning",
};

/** Builds dist/, and touches only what changed: cargo embeds its files again when their times differ. */
export async function build() {
  const result = await esbuild.build({ ...options, metafile: true, write: false });
  const files = new Map(result.outputFiles.map((file) => [basename(file.path), Buffer.from(file.contents)]));
  const named = (/** @type {string} */ end) =>
    [...files.keys()].find((name) => name.startsWith("app-") && name.endsWith(end));
  const manifest = { script: named(".js"), style: named(".css"), loads: loads(result.metafile) };
  await mkdir(dist, { recursive: true });
  for (const name of await readdir(dist)) {
    if (!name.startsWith(".") && !files.has(name) && name !== "manifest.json") await rm(join(dist, name));
  }
  for (const [name, content] of files) await writeChanged(join(dist, name), content);
  await writeChanged(join(dist, "manifest.json"), Buffer.from(`${JSON.stringify(manifest)}\n`));
}

/**
 * Returns for the shell and for each page that is loaded later the files that a browser loads to show it.
 *
 * @param {esbuild.Metafile} metafile
 */
function loads(metafile) {
  const { outputs } = metafile;
  const follow = (/** @type {string} */ path, /** @type {Set<string>} */ found) => {
    if (found.has(path)) return found;
    found.add(path);
    for (const imported of outputs[path]?.imports ?? []) {
      if (imported.kind === "import-statement") follow(imported.path, found);
    }
    return found;
  };
  const entries = Object.entries(outputs).filter(([, { entryPoint }]) => entryPoint !== undefined);
  const [shell] = entries.find(([, { entryPoint }]) => entryPoint === "src/main.tsx") ?? [""];
  const style = outputs[shell]?.cssBundle;
  /** @type {Record<string, string[]>} */
  const loaded = {};
  for (const [path, { entryPoint = "" }] of entries) {
    if (!path.endsWith(".js")) continue;
    const files = follow(path, follow(shell, new Set(style === undefined ? [] : [style])));
    loaded[entryPoint] = [...files].map((file) => basename(file)).sort();
  }
  return loaded;
}

/** Writes a file unless it has this content already. @param {string} path @param {Buffer} content */
async function writeChanged(path, content) {
  const old = await readFile(path).catch(() => undefined);
  if (old === undefined || !old.equals(content)) await writeFile(path, content);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
