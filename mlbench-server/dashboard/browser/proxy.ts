import { createServer, request, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy that serves another server below a path, which it removes. */
export class PrefixProxy {
  private constructor(
    private readonly server: HttpServer,
    readonly url: string,
    /** The paths that were asked for outside the prefix. */
    readonly outside: string[],
  ) {}

  static async start(target: string, prefix: string): Promise<PrefixProxy> {
    const outside: string[] = [];
    const server = createServer((incoming, response) => {
      const path = incoming.url ?? "/";
      if (!path.startsWith(`${prefix}/`)) {
        outside.push(path);
        response.writeHead(404).end();
        return;
      }
      const onward = request(
        new URL(path.slice(prefix.length), target),
        { method: incoming.method, headers: incoming.headers },
        (reply) => {
          response.writeHead(reply.statusCode ?? 502, reply.headers);
          reply.pipe(response);
        },
      );
      onward.on("error", () => response.destroy());
      response.on("close", () => onward.destroy());
      incoming.pipe(onward);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return new PrefixProxy(server, `http://127.0.0.1:${port}${prefix}`, outside);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
