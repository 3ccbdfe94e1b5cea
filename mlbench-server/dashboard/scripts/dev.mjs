// Serves the page with its sources rebuilt on change: `node scripts/dev.mjs SERVER_URL [PORT]`.
//
// Everything below /api/ and the health checks go to the mlbench-server at SERVER_URL.
import { createServer, request } from "node:http";
import { pipeline } from "node:stream";

import * as esbuild from "esbuild";

import { options } from "./build.mjs";

const [server = "http://127.0.0.1:8000", port = "8080"] = process.argv.slice(2);
const context = await esbuild.context({
  ...options,
  entryNames: "[name]",
  minify: false,
  sourcemap: "linked",
  write: false,
});

/** The files of the newest build by name. */
async function files() {
  const { outputFiles } = await context.rebuild();
  return new Map(outputFiles.map((file) => [file.path.split("/").at(-1) ?? "", file.contents]));
}

const types = { js: "text/javascript", css: "text/css", map: "application/json" };

const listener = createServer((incoming, response) => {
  const { pathname } = new URL(incoming.url ?? "/", "http://localhost");
  if (/^\/(api\/|healthz|readyz|metrics$)/.test(pathname)) {
    const headers = { ...incoming.headers, host: new URL(server).host };
    delete headers.origin;
    const onward = request(
      new URL(incoming.url ?? "/", server),
      { method: incoming.method, headers },
      (reply) => {
        response.writeHead(reply.statusCode ?? 502, reply.headers);
        // An event stream that breaks must break here too.
        pipeline(reply, response, () => undefined);
      },
    );
    onward.on("error", (error) => response.writeHead(502).end(error.message));
    response.on("close", () => onward.destroy());
    incoming.pipe(onward);
    return;
  }
  void files().then((built) => {
    const asset = /^.*\/assets\/([^/]+)$/.exec(pathname)?.[1];
    const content = asset === undefined ? undefined : built.get(asset);
    if (asset !== undefined && content !== undefined) {
      const type = types[/** @type {keyof typeof types} */ (asset.split(".").at(-1))];
      response.writeHead(200, { "content-type": type }).end(content);
      return;
    }
    const base = "../".repeat(pathname.split("/").length - 2) || "./";
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
    response.end(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>mlbench</title>` +
        `<meta name="viewport" content="width=device-width, initial-scale=1">` +
        `<link rel="stylesheet" href="${base}assets/app.css">` +
        `<script type="module" src="${base}assets/app.js"></script></head><body><div id="app"></div></body></html>`,
    );
  });
});
listener.listen(Number(port), "127.0.0.1", () => {
  const address = listener.address();
  console.log(`http://127.0.0.1:${typeof address === "object" ? (address?.port ?? port) : port}/`);
});
