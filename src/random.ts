import { randomFillSync } from "node:crypto";

/** Bytes that are asked for at once: one question for 16 bytes costs some twenty times as much as taking 16 of these. */
const poolBytes = 8_192;

const pool = Buffer.alloc(poolBytes);
let used = poolBytes;

/**
 * So many cryptographically random bytes, 1 to 8,192, each given out once. They are the pool's own memory, which the next call
 * may overwrite: read them at once and keep only what was made of them.
 */
function pooled(bytes: number): Buffer {
  if (used + bytes > poolBytes) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.subarray(used - bytes, used);
}

/** So many cryptographically random bytes, 1 to 8,192, as lower-case hexadecimal digits. */
export function randomHex(bytes: number): string {
  return pooled(bytes).toString("hex");
}
