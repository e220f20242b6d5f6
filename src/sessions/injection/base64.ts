/** Shortest run that is decoded, in characters: nine bytes. */
export const shortestRun = 12;
/** Shortest stretch of text in decoded bytes that is kept: random bytes have longer ones only by rare chance. */
const shortestStretch = 8;
/** Ends a stretch. */
const control = 0x01;

const none = 0xff;
const lineFeed = 0xfe;
const carriageReturn = 0xfd;
/** Values of base64 and base64url (RFC 4648 sections 4 and 5), and what ends a line. */
const values = new Uint8Array(128).fill(none);
for (const alphabet of ["+/", "-_"]) {
  const digits = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${alphabet}`;
  for (let value = 0; value < 64; value += 1) values[digits.charCodeAt(value)] = value;
}
values[0x0a] = lineFeed;
values[0x0d] = carriageReturn;

/**
 * What the base64 in a text says, as far as it is text; stretches of it are parted by empty lines. Lines that continue each
 * other are one run. A run is decoded as a whole, and once more in the parts between line breaks and `+ / - _`, since it may
 * follow a word and a slash. At most one and a half times as long as the text, and a step of work for each character.
 */
export function base64In(text: string): string {
  if (!saysText(text)) return "";
  const digits = digitsOf(text);
  let bytes: Buffer | null = null;
  let length = 0;
  for (let start = 0; start < digits.length; start += 1) {
    if (!isDigit(digits[start])) continue;
    const end = endOfRun(digits, start);
    if (end - start >= shortestRun) {
      bytes ??= Buffer.allocUnsafe(2 * digits.length);
      length = decode(digits.subarray(start, end), bytes, length);
      length = decodeParts(digits.subarray(start, end), bytes, length);
    }
    start = end;
  }
  return bytes === null ? "" : stretchesIn(bytes, length).join("\n\n");
}

/** Only what is long enough becomes a text: a sixth of the time that a search in all of it as text takes. */
function stretchesIn(bytes: Buffer, length: number): string[] {
  const found: string[] = [];
  let start = 0;
  let units = 0;
  for (let at = 0; at <= length; ) {
    const size = at < length ? sizeAt(bytes, at, length) : 0;
    if (size > 0) {
      if (units === 0) start = at;
      units += size === 4 ? 2 : 1;
      at += size;
      continue;
    }
    if (units >= shortestStretch) found.push(bytes.toString("utf8", start, at));
    units = 0;
    at += 1;
  }
  return found;
}

/** Bytes of the character there (RFC 3629); 0 for what is none, for U+FFFD, and for control characters but tabs and line breaks. */
function sizeAt(bytes: Uint8Array, at: number, length: number): number {
  const first = bytes[at] as number;
  const size = sizeOf(first);
  if (size < 2) return size;
  if (at + size > length) return 0;
  for (let next = at + 1; next < at + size; next += 1) {
    if (((bytes[next] as number) & 0xc0) !== 0x80) return 0;
  }
  const second = bytes[at + 1] as number;
  switch (first) {
    case 0xc2:
      return second < 0xa0 ? 0 : 2;
    case 0xe0:
      return second < 0xa0 ? 0 : 3;
    case 0xed:
      return second > 0x9f ? 0 : 3;
    case 0xef:
      return second === 0xbf && bytes[at + 2] === 0xbd ? 0 : 3;
    case 0xf0:
      return second < 0x90 ? 0 : 4;
    case 0xf4:
      return second > 0x8f ? 0 : 4;
    default:
      return size;
  }
}

/**
 * True where `base64In` could find text. Digests and identifiers say nothing, which is seen here while their bytes are decoded
 * and none is kept: a fifth of the time.
 */
export function saysText(text: string): boolean {
  for (let start = 0; start < text.length; start += 1) {
    if (valueAt(text, start) >= 64) continue;
    let end = start;
    let part = start;
    for (;;) {
      const value = valueAt(text, end);
      if (value < 62) {
        end += 1;
        continue;
      }
      // The end of a part is one of the run, too, where no digit follows.
      if (end - part >= shortestRun && hasStretch(text, part, end)) return true;
      const next = value < 64 ? end + 1 : nextLine(text, end);
      if (next < 0) break;
      part = next;
      end = next;
    }
    if (part > start && end - start >= shortestRun && hasStretch(text, start, end)) return true;
    start = end;
  }
  return false;
}

/** Where a run goes on behind a line break, else -1. */
function nextLine(text: string, at: number): number {
  const next = at + (valueAt(text, at) === carriageReturn ? 1 : 0);
  return valueAt(text, next) === lineFeed && valueAt(text, next + 1) < 64 ? next + 1 : -1;
}

/** What stands there as a digit; `none` behind the end. */
function valueAt(text: string, at: number): number {
  if (at >= text.length) return none;
  const code = text.charCodeAt(at);
  return code < 128 ? (values[code] as number) : none;
}

/** True when the bytes of these digits, without NULs, have a stretch of text (RFC 3629) that is as long as one that is kept. */
function hasStretch(text: string, start: number, end: number): boolean {
  let bits = 0;
  let count = 0;
  /** Bytes of whole characters in a row, of the character that has begun, and those that it lacks. */
  let stretch = 0;
  let size = 0;
  let missing = 0;
  for (let at = start; at < end; at += 1) {
    const value = valueAt(text, at);
    if (value >= 64) continue;
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    const byte = (bits >> count) & 0xff;
    if (byte === 0) continue;
    if (missing > 0 && (byte & 0xc0) === 0x80) {
      missing -= 1;
      if (missing > 0) continue;
      stretch += size;
    } else {
      if (missing > 0) stretch = 0;
      size = sizeOf(byte);
      missing = size > 1 ? size - 1 : 0;
      if (size === 0) stretch = 0;
      else if (size === 1) stretch += 1;
    }
    // No character has more UTF-16 units than bytes.
    if (stretch >= shortestStretch) return true;
  }
  return false;
}

/** Bytes of the character that begins so; 0 for what begins none, and for what ends a stretch. */
function sizeOf(byte: number): number {
  if (byte < 0x80) return (byte >= 0x20 && byte !== 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d ? 1 : 0;
  return byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 0;
}

function digitsOf(text: string): Uint8Array {
  const digits = Buffer.allocUnsafe(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    digits[at] = code < 128 ? (values[code] as number) : none;
  }
  return digits;
}

const isDigit = (value: number | undefined): boolean => value !== undefined && value < 64;

function endOfRun(digits: Uint8Array, start: number): number {
  let end = start;
  for (;;) {
    while (end < digits.length && isDigit(digits[end])) end += 1;
    const next = end + (digits[end] === carriageReturn ? 1 : 0);
    if (digits[next] !== lineFeed || !isDigit(digits[next + 1])) return end;
    end = next + 1;
  }
}

function decodeParts(run: Uint8Array, bytes: Buffer, length: number): number {
  let written = length;
  let from = 0;
  for (let at = 0; at <= run.length; at += 1) {
    if (at < run.length && (run[at] as number) < 62) continue;
    if (at - from >= shortestRun && at - from < run.length) written = decode(run.subarray(from, at), bytes, written);
    from = at + 1;
  }
  return written;
}

/** NULs go: every second byte of ASCII in UTF-16 is one. Returns how much is written now. */
function decode(run: Uint8Array, bytes: Buffer, length: number): number {
  let written = length;
  let bits = 0;
  let count = 0;
  for (let at = 0; at < run.length; at += 1) {
    const value = run[at] as number;
    if (!isDigit(value)) continue;
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    const byte = (bits >> count) & 0xff;
    if (byte !== 0) bytes[written++] = byte;
  }
  bytes[written++] = control;
  return written;
}
