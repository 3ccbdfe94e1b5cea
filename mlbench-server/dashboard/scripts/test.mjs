// Runs the unit tests: `node scripts/test.mjs [PART OF A FILE NAME]`.
//
// Node 20 does not read TypeScript, so the tests are bundled into a temporary directory first.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const filter = process.argv[2] ?? "";
const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
const tests = files.filter((name) => /\.test\.tsx?$/.test(name) && name.includes(filter)).sort();
if (tests.length === 0) {
  console.error(`no test file contains "${filter}"`);
  process.exit(2);
}
const out = mkdtempSync(join(tmpdir(), "mlbench-dashboard-"));
try {
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: tests.map((name) => join("src", name)),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    jsx: "automatic",
    jsxImportSource: "preact",
    outdir: out,
    outbase: join(root, "src"),
    outExtension: { ".js": ".mjs" },
    loader: { ".css": "empty" },
    sourcemap: "inline",
    logLevel: "warning",
  });
  const bundles = tests.map((name) => join(out, name.replace(/\.tsx?$/, ".mjs")));
  const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...bundles], {
    stdio: "inherit",
  });
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(out, { recursive: true });
}
