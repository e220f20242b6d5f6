import { createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";

/** What is done to requests and answers on their way. */
export interface Changes {
  /** An answer of our own instead of the server's. */
  answer?: (asked: {
    method: string;
    url: string;
    headers: IncomingHttpHeaders;
  }) => { status: number; body: string } | null;
  /** Changes the body of a request. */
  body?: (bytes: Buffer) => Buffer;
  /** Response headers that get lost. */
  drops?: readonly string[];
}

/** The real S3 server as it would be if it did something else: requests go through here, and signatures still fit. */
export async function changedS3(
  endpoint: string,
  changes: Changes,
): Promise<{ endpoint: string; close(): Promise<void> }> {
  const server = createServer((asked, reply) => {
    const chunks: Buffer[] = [];
    asked.on("data", (chunk: Buffer) => chunks.push(chunk));
    asked.on("end", () => {
      const { method = "", url = "", headers } = asked;
      const own = changes.answer?.({ method, url, headers });
      if (own) {
        reply.writeHead(own.status, { "content-type": "application/xml" }).end(own.body);
        return;
      }
      const body = Buffer.concat(chunks);
      const onward = request(new URL(url, endpoint), { method, headers, agent: false }, (answer) => {
        const kept = Object.entries(answer.headers).filter(([name]) => !changes.drops?.includes(name));
        reply.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
        answer.pipe(reply);
      });
      onward.on("error", () => reply.destroy());
      onward.end(changes.body?.(body) ?? body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
