/**
 * Contender (a), in a process of its own: a gRPC server that lets everything through without looking. What grpc-js itself
 * costs, and so what no authorizer on it can go below.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { loadProtos } from "../../src/grpc/load_protos.js";

const protos = loadProtos();
const same = (bytes: Buffer): Buffer => bytes;
const answer = protos.method.responseSerialize({ status: { code: 0 }, ok_response: { headers: [] } });
const server = new Server();
server.addService(
  { Check: { ...protos.method, requestDeserialize: same, responseSerialize: same } },
  { Check: (_call: unknown, done: (error: null, bytes: Buffer) => void) => done(null, answer) },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`ready on 127.0.0.1:${port}`);
});
// A profile is written at an ordinary end only.
process.once("SIGTERM", () => process.exit(0));
