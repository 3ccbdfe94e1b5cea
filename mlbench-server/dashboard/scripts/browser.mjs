// Runs one flow in a real browser: `node scripts/browser.mjs NAME` runs browser/NAME.test.ts.
//
// The environment names what it needs: MLBENCH_BIN_DIR the programs, MLBENCH_CHROMIUM the browser, and
// MLBENCH_SCREENSHOTS the folder for pictures. `cargo xtask test --only browser` sets them and runs every flow.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const name = process.argv[2] ?? "";
const file = join(root, "browser", `${name}.test.ts`);
if (!existsSync(file)) {
  console.error(`browser/${name}.test.ts does not exist`);
  process.exit(2);
}
// Among the packages, so that the bundle finds those that it does not contain.
const bundle = join(root, "node_modules/.mlbench-browser", `${name}.mjs`);
await esbuild.build({
  absWorkingDir: root,
  entryPoints: [file],
  bundle: true,
  packages: "external",
  format: "esm",
  platform: "node",
  target: "node20",
  outfile: bundle,
  sourcemap: "inline",
  logLevel: "warning",
});
const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", bundle], { stdio: "inherit" });
process.exitCode = run.status ?? 1;
