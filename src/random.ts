import { randomFillSync } from "node:crypto";

/** Bytes that are asked for at once: one question for 16 bytes costs some twenty times as much as taking 16 of these. */
const poolBytes = 8_192;

const pool = Buffer.alloc(poolBytes);
let used = poolBytes;

/** Where in the pool so many bytes begin that nobody was given yet. */
function taken(bytes: number): number {
  if (used + bytes > poolBytes) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return used - bytes;
}

/** So many cryptographically random bytes, 1 to 8,192, as lower-case hexadecimal digits. No byte is given out twice. */
export function randomHex(bytes: number): string {
  const from = taken(bytes);
  return pool.toString("hex", from, from + bytes);
}

/** An unpredictable integer of so many bytes (1 to 6): 0 to 256 ** bytes - 1, each as likely as the others. */
export function randomInteger(bytes: number): number {
  return pool.readUIntBE(taken(bytes), bytes);
}
