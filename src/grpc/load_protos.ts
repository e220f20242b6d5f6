import { fileURLToPath } from "node:url";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  loadSync,
  type MessageTypeDefinition,
  type MethodDefinition,
  type PackageDefinition,
} from "@grpc/proto-loader";
import type { HttpAccessLogEntry } from "./access_log_messages.js";
import { decodePlainRequest } from "./decode_request.js";
import { encodePlainResponse } from "./encode_response.js";
import type { CheckRequest, CheckResponse } from "./messages.js";

/** Full name of the service that Envoy calls. */
export const authorizationService = "envoy.service.auth.v3.Authorization";
/** Full name of the service that Envoy tells of the requests that have ended. */
export const accessLogService = "envoy.service.accesslog.v3.AccessLogService";

/** `proto/` of this package: two levels up, both from `src/grpc` and from `dist/grpc`. */
const protoFolder = fileURLToPath(new URL("../../proto", import.meta.url));

export interface Protos {
  /** Everything that was loaded, for reflection. */
  definition: PackageDefinition;
  /** The definition of `Authorization.Check`. */
  method: MethodDefinition<object, object>;
  /** Throws on bytes that are no CheckRequest. */
  decodeRequest(bytes: Buffer): CheckRequest;
  /** Of a message with its members as in the `.proto`; `decodeRequest` gives headers in another form. */
  encodeRequest(request: object): Buffer;
  /** Throws on an answer that Envoy would read in another way than it was meant. */
  encodeResponse(response: CheckResponse): Buffer;
  decodeResponse(bytes: Buffer): object;
  accessLog: {
    /** The definition of `AccessLogService.StreamAccessLogs`. */
    method: MethodDefinition<object, object>;
    /** Throws on bytes that are no HTTPAccessLogEntry. */
    decodeEntry(bytes: Buffer): HttpAccessLogEntry;
    encodeEntry(entry: object): Buffer;
  };
}

/** Loads the services that Envoy calls from the package's own files. Throws when one is missing or broken. */
export function loadProtos(): Protos {
  const files = ["envoy/service/auth/v3/external_auth.proto", "envoy/service/accesslog/v3/als.proto"];
  const definition = loadSync(files, {
    includeDirs: [protoFolder],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const method = methodOf(definition, authorizationService, "Check");
  const message = (name: string) => definition[name] as MessageTypeDefinition<object, object>;
  const entry = message("envoy.data.accesslog.v3.HTTPAccessLogEntry");
  return {
    definition,
    method,
    decodeRequest: (bytes) => decodePlainRequest(bytes) ?? (method.requestDeserialize(bytes) as CheckRequest),
    encodeRequest: (request) => method.requestSerialize(request),
    encodeResponse: (response) => {
      assertUnambiguous(response);
      return encodePlainResponse(response) ?? method.responseSerialize(response);
    },
    decodeResponse: (bytes) => method.responseDeserialize(bytes),
    accessLog: {
      method: methodOf(definition, accessLogService, "StreamAccessLogs"),
      decodeEntry: (bytes) => entry.deserialize(bytes) as HttpAccessLogEntry,
      encodeEntry: (given) => entry.serialize(given),
    },
  };
}

/**
 * The bytes of each HTTP entry of a StreamAccessLogsMessage, one after the other, so that one that is broken spoils no other
 * and a message of a million empty ones takes no more memory than its bytes. Throws where the message itself is broken.
 */
export function* httpEntries(message: Uint8Array): Generator<Uint8Array> {
  for (const logs of membersOf(message, httpLogsField)) yield* membersOf(logs, logEntryField);
}

/** StreamAccessLogsMessage.http_logs, and HTTPAccessLogEntries.log_entry. */
const httpLogsField = 2;
const logEntryField = 1;

/** The messages of one field, as their bytes. */
function* membersOf(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.LengthDelimited) yield reader.bytes();
    else reader.skip(type, field);
  }
}

function methodOf(definition: PackageDefinition, service: string, name: string): MethodDefinition<object, object> {
  const methods = definition[service] as Record<string, MethodDefinition<object, object>> | undefined;
  const method = methods?.[name];
  if (!method) throw new Error(`${service} has no method ${name} in ${protoFolder}`);
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
