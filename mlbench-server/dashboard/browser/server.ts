import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { setting } from "./setting";
import { until } from "./until";

/** How to start a server. */
export interface ServerOptions {
  /** The token that it requires. */
  token?: string;
  workers?: number;
  /** More flags. */
  flags?: readonly string[];
}

/** A real server with a database of its own, on a port that it keeps over restarts. */
export class Server {
  url = "";
  private readonly folder = mkdtempSync(join(tmpdir(), "mlbench-browser-"));
  private process: ChildProcess | undefined;
  private address = "127.0.0.1:0";

  private constructor(private readonly options: ServerOptions) {}

  /** Starts a server and waits until it responds. */
  static async start(options: ServerOptions = {}): Promise<Server> {
    const server = new Server(options);
    await server.restart();
    return server;
  }

  /** Starts the server again after it was killed. */
  async restart(): Promise<void> {
    const addressFile = join(this.folder, "address");
    rmSync(addressFile, { force: true });
    const { token, workers = 2, flags = [] } = this.options;
    const args = ["--cluster", "local", "--listen", this.address, "--address-file", addressFile];
    args.push("--database", join(this.folder, "mlbench.db"), "--workers", String(workers));
    args.push("--sample-interval", "200ms", "--grace-period", "2s", "--stop-runs-on-exit", ...flags);
    if (token !== undefined) {
      const file = join(this.folder, "token");
      writeFileSync(file, token, { mode: 0o600 });
      args.push("--token-file", file);
    }
    const child = spawn(join(setting("MLBENCH_BIN_DIR"), "mlbench-server"), args, {
      stdio: ["ignore", "inherit", "inherit"],
    });
    this.process = child;
    this.address = await until("the server listens", () => {
      if (child.exitCode !== null) throw new Error(`the server exited with ${child.exitCode}`);
      return readAddress(addressFile);
    });
    this.url = `http://${this.address}`;
  }

  /** Kills the server, as a crash would. Its runs go on. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Stops the server with its runs, and deletes its files. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Sends a request of the API and returns its JSON. */
  async api(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<unknown> {
    const { token } = this.options;
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Starts a run and waits until it has ended. */
  async run(request: { name: string } & Record<string, unknown>): Promise<number> {
    const id = await this.startRun(request);
    await until(`run ${id} has ended`, async () => {
      const run = await this.api("GET", `/api/runs/${id}/?logs=0`);
      return hasState(run) && run.finished_at !== null ? run : undefined;
    });
    return id;
  }

  /** Starts a run and returns its id. */
  async startRun(request: { name: string } & Record<string, unknown>): Promise<number> {
    const run = await this.api("POST", "/api/runs/", request);
    if (!hasState(run)) throw new Error(`not a run: ${JSON.stringify(run)}`);
    return run.id;
  }

  private async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await exited;
  }
}

function hasState(run: unknown): run is { id: number; finished_at: string | null } {
  return typeof run === "object" && run !== null && "finished_at" in run && "id" in run;
}

function readAddress(file: string): string | undefined {
  try {
    const address = readFileSync(file, "utf8").trim().replace("http://", "");
    return address === "" ? undefined : address;
  } catch {
    return undefined;
  }
}
