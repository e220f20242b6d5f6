import { randomHex } from "../random.js";

/** A trace id (W3C Trace Context): 32 lower-case hexadecimal digits, not all zero. */
export function newTraceId(): string {
  return notZero(16);
}

/** The id of a span: 16 lower-case hexadecimal digits, not all zero. */
export function newSpanId(): string {
  return notZero(8);
}

function notZero(bytes: number): string {
  for (;;) {
    const id = randomHex(bytes);
    if (!/^0+$/.test(id)) return id;
  }
}
