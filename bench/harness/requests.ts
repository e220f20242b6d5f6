import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { loadProtos } from "../../src/grpc/load_protos.js";
import { allowedCall, checkOf, type Workload } from "./workload.js";

const placeholder = "00000000-0000-4000-8000-000000000000";
/** Different calls in a file before they repeat with other ids. */
const different = 1_400;

/**
 * Writes so many allowed calls for ghz: length-delimited CheckRequests, each with an id of its own, since a server may take a
 * second call of one id for a repetition of the first.
 */
export async function writeRequests(file: string, workload: Workload, calls: number): Promise<void> {
  const protos = loadProtos();
  const templates = Array.from({ length: Math.min(calls, different) }, (_, n) =>
    delimited(protos.encodeRequest(checkOf(allowedCall(workload, n), placeholder))),
  );
  const messages = Array.from({ length: calls }, (_, n) => withId(templates[n % templates.length] as Buffer));
  await writeFile(file, Buffer.concat(messages));
}

/** A message after its length as a varint, as protobuf's `writeDelimitedTo` writes it. */
export function delimited(message: Buffer): Buffer {
  const length: number[] = [];
  let rest = message.length;
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...length, rest]), message]);
}

/** The same message with a fresh id wherever the placeholder stands. */
function withId(template: Buffer): Buffer {
  const message = Buffer.from(template);
  const id = randomUUID();
  for (let at = message.indexOf(placeholder); at >= 0; at = message.indexOf(placeholder, at + id.length)) {
    message.write(id, at, "latin1");
  }
  return message;
}
