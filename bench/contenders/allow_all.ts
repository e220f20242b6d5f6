import { Server, ServerCredentials } from "@grpc/grpc-js";
import { loadProtos } from "../../src/grpc/load_protos.js";

/** Serves Check on grpc-js: lets everything through without looking, after `work`. Tells its address as `startScript` reads it. */
export function allowAll(work: () => void = () => {}): void {
  const { method } = loadProtos();
  const same = (bytes: Buffer): Buffer => bytes;
  const answer = method.responseSerialize({ status: { code: 0 }, ok_response: { headers: [] } });
  const check = (_call: unknown, done: (error: null, bytes: Buffer) => void): void => {
    work();
    done(null, answer);
  };
  const server = new Server();
  server.addService({ Check: { ...method, requestDeserialize: same, responseSerialize: same } }, { Check: check });
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(`ready on 127.0.0.1:${port}`);
  });
  // A profile is written at an ordinary end only.
  process.once("SIGTERM", () => process.exit(0));
}
