import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";

/** One request as the tool saw it. */
export interface ToolRequest {
  method: string;
  /** Path and query as received. */
  url: string;
  headers: IncomingHttpHeaders;
  /** Names and values as received, in turn; repeated headers are apart here. */
  rawHeaders: readonly string[];
  body: Buffer;
}

export interface ExampleTool {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Every request it received, oldest first. Set `length = 0` to start over. */
  readonly requests: ToolRequest[];
  stop(): Promise<void>;
}

export interface ExampleToolOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  /** Answers instead of the tool's `200 {"ok":true,...}`. */
  respond?: (request: ToolRequest, response: ServerResponse) => void;
}

/** A small HTTP tool that does nothing but remember what reached it. */
export async function startExampleTool(options: ExampleToolOptions = {}): Promise<ExampleTool> {
  const requests: ToolRequest[] = [];
  const respond = options.respond ?? answerOk;
  const server = createServer(async (incoming, response) => {
    try {
      const request = await read(incoming);
      requests.push(request);
      respond(request, response);
    } catch {
      response.destroy(); // The caller went away in the middle of its body.
    }
  });
  const host = "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the tool has no port");
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { host, port: address.port, url: `http://${host}:${address.port}`, requests, stop };
}

async function read(incoming: IncomingMessage): Promise<ToolRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { method = "", url = "", headers, rawHeaders } = incoming;
  return { method, url, headers, rawHeaders, body: Buffer.concat(chunks) };
}

function answerOk(request: ToolRequest, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ ok: true, method: request.method, url: request.url, bytes: request.body.length }));
}
