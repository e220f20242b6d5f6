import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** SHA-256 of a file, which is not held in memory. Throws the system's error when it cannot be read. */
export async function fileHash(path: string): Promise<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest();
}
