import { Client, credentials } from "@grpc/grpc-js";
import { loadProtos } from "../../src/grpc/load_protos.js";

const protos = loadProtos();

/** A connection to an authorizer, for single questions. */
export interface Asker {
  /** True when the call is let through. Throws when there is no answer. */
  allows(check: object): Promise<boolean>;
  close(): void;
}

export function askerOf(address: string): Asker {
  const client = new Client(address, credentials.createInsecure());
  const { path, responseDeserialize } = protos.method;
  return {
    allows: (check) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + 10_000;
        client.makeUnaryRequest(
          path,
          protos.encodeRequest,
          responseDeserialize,
          check,
          { deadline },
          (error, answer) => {
            if (error) reject(error);
            else resolve(Number((answer as { status?: { code?: number } }).status?.code ?? 0) === 0);
          },
        );
      }),
    close: () => client.close(),
  };
}
