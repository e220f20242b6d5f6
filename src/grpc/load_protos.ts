import { fileURLToPath } from "node:url";
import { loadSync, type MethodDefinition, type PackageDefinition } from "@grpc/proto-loader";
import type { CheckRequest, CheckResponse } from "./messages.js";

/** Full name of the service that Envoy calls. */
export const authorizationService = "envoy.service.auth.v3.Authorization";

/** `proto/` of this package: two levels up, both from `src/grpc` and from `dist/grpc`. */
const protoFolder = fileURLToPath(new URL("../../proto", import.meta.url));

export interface Protos {
  /** Everything that was loaded, for reflection. */
  definition: PackageDefinition;
  /** The definition of `Authorization.Check`. */
  method: MethodDefinition<object, object>;
  /** Throws on bytes that are no CheckRequest. */
  decodeRequest(bytes: Buffer): CheckRequest;
  encodeRequest(request: object): Buffer;
  /** Throws on an answer that Envoy would read in another way than it was meant. */
  encodeResponse(response: CheckResponse): Buffer;
  decodeResponse(bytes: Buffer): object;
}

/** Loads the ext_authz service from the package's own files. Throws when one is missing or broken. */
export function loadProtos(): Protos {
  const definition = loadSync("envoy/service/auth/v3/external_auth.proto", {
    includeDirs: [protoFolder],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const method = checkMethod(definition);
  return {
    definition,
    method,
    decodeRequest: (bytes) => method.requestDeserialize(bytes) as CheckRequest,
    encodeRequest: (request) => method.requestSerialize(request),
    encodeResponse: (response) => {
      assertUnambiguous(response);
      return method.responseSerialize(response);
    },
    decodeResponse: (bytes) => method.responseDeserialize(bytes),
  };
}

function checkMethod(definition: PackageDefinition): MethodDefinition<object, object> {
  const service = definition[authorizationService] as Record<string, MethodDefinition<object, object>> | undefined;
  const method = service?.Check;
  if (!method) throw new Error(`${authorizationService} has no method Check in ${protoFolder}`);
  return method;
}

/**
 * Envoy takes every response with status 0 or none for an allow, whatever else it holds, and the encoder leaves out what
 * it does not know. So what types cannot hold back at run time is checked here.
 */
function assertUnambiguous(response: CheckResponse): void {
  const kinds = (["ok_response", "denied_response", "error_response"] as const).filter((kind) => kind in response);
  if (kinds.length !== 1) throw new TypeError(`a CheckResponse has one kind of answer, not ${kinds.length}`);
  const code: unknown = response.status?.code;
  if ("ok_response" in response) {
    if (code !== 0) throw new TypeError("ok_response needs the status code 0");
    return;
  }
  if (!isIntegerIn(code, 1, 16)) throw new TypeError("a refusal needs a gRPC status code from 1 to 16");
  const refusal = "denied_response" in response ? response.denied_response : response.error_response;
  if (!isIntegerIn(refusal.status?.code, 200, 599)) throw new TypeError("a refusal needs an HTTP status");
}

function isIntegerIn(value: unknown, low: number, high: number): boolean {
  return Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
}
