import { after, before } from "node:test";

import type { Browser, BrowserContextOptions } from "playwright-core";

import { Server, type ServerOptions } from "./server";
import { launch, Visitor } from "./visitor";

/** The server and the browser of all flows of a file. */
export class Stage {
  private running: Server | undefined;
  private browser: Browser | undefined;

  /** Starts both before the first flow and stops them after the last; `prepare` stores what the flows need. */
  constructor(options: ServerOptions = {}, prepare?: (server: Server) => Promise<void>) {
    before(async () => {
      await Promise.all([
        Server.start(options).then((server) => (this.running = server)),
        launch().then((browser) => (this.browser = browser)),
      ]);
      await prepare?.(this.server);
    });
    after(async () => {
      await this.browser?.close();
      await this.running?.stop();
    });
  }

  get server(): Server {
    if (this.running === undefined) throw new Error("the server runs within tests only");
    return this.running;
  }

  /** Opens a tab, as `Visitor.come` does. */
  visitor(options?: BrowserContextOptions, expected?: (problem: string) => boolean): Promise<Visitor> {
    if (this.browser === undefined) throw new Error("the browser runs within tests only");
    return Visitor.come(this.browser, options, expected);
  }
}
