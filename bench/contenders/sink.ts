/** A collector of spans in a process of its own, which takes OTLP over HTTP, reads each body to its end, and keeps nothing. */
import { createServer } from "node:http";

const server = createServer(async (request, response) => {
  for await (const _ of request);
  response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(`ready on 127.0.0.1:${address.port}`);
});
