import { randomFillSync } from "node:crypto";

/** Each refill is one call of the system's source, which costs as much for 12 bytes as for some thousand. */
const poolBytes = 4_096;

const pool = Buffer.alloc(poolBytes);
let used = poolBytes;

/**
 * An unpredictable integer of so many bytes (1 to 6): 0 to 256 ** bytes - 1, each as likely as the others. No byte of the
 * pool is given twice.
 */
export function randomInteger(bytes: number): number {
  if (used + bytes > poolBytes) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.readUIntBE(used - bytes, bytes);
}
