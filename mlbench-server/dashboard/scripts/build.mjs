// Bundles the page into dist/: `node scripts/build.mjs`.
//
// The names of the assets contain a hash of their content, so that the server can let browsers keep them forever.
// dist/manifest.json names the script and the style sheet of the shell, and the script that requests data before these
// have come. Beside each asset lies its Brotli, NAME.br.
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

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

/**
 * The options of the script that requests data early: one file that is no module, since modules run later.
 *
 * @type {esbuild.BuildOptions}
 */
const earlyOptions = {
  ...options,
  entryPoints: { early: "src/early.ts" },
  format: "iife",
  splitting: false,
  metafile: false,
  define: { "import.meta.url": "document.currentScript.src" },
};

/** Builds dist/, and touches only what changed: cargo embeds its files again when their times differ. */
export async function build() {
  const result = await esbuild.build({ ...options, metafile: true, write: false });
  const first = await esbuild.build({ ...earlyOptions, write: false });
  const outputs = [...result.outputFiles, ...first.outputFiles];
  const files = new Map(outputs.map((file) => [basename(file.path), Buffer.from(file.contents)]));
  const named = (/** @type {string} */ begin, /** @type {string} */ end) =>
    [...files.keys()].find((name) => name.startsWith(begin) && name.endsWith(end));
  const early = named("early-", ".js");
  const manifest = {
    script: named("app-", ".js"),
    style: named("app-", ".css"),
    early,
    loads: loads(result.metafile, early),
  };
  for (const [name, content] of [...files]) files.set(`${name}.br`, brotli(content));
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
 * @param {string | undefined} early
 */
function loads(metafile, early) {
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
  const pages = (metafile.inputs["src/app.tsx"]?.imports ?? []).map(({ path }) => path);
  const style = outputs[shell]?.cssBundle;
  /** @type {Record<string, string[]>} */
  const loaded = {};
  for (const [path, { entryPoint = "" }] of entries) {
    if (path !== shell && !pages.includes(entryPoint)) continue;
    const files = follow(path, follow(shell, new Set(style === undefined ? [] : [style])));
    loaded[entryPoint] = [...files, ...(early === undefined ? [] : [early])]
      .map((file) => basename(file))
      .sort();
  }
  return loaded;
}

/** Compresses a text as small as Brotli can. @param {Buffer} content */
function brotli(content) {
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  return brotliCompressSync(content, { params });
}

/** Writes a file unless it has this content already. @param {string} path @param {Buffer} content */
async function writeChanged(path, content) {
  const old = await readFile(path).catch(() => undefined);
  if (old === undefined || !old.equals(content)) await writeFile(path, content);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
