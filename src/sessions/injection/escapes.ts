const percent = 0x25;
const backslash = 0x5c;
const letterU = 0x75;

const hex = Int8Array.from({ length: 256 }, (_, code) => {
  const digit = String.fromCharCode(code);
  return /[0-9A-Fa-f]/.test(digit) ? Number.parseInt(digit, 16) : -1;
});

/** What stands behind a backslash (RFC 8259 section 7), and what it means here. Line breaks and tabs part words alike. */
const meant = new Uint8Array(256);
for (const [written, meaning] of ['""', "\\\\", "//", "n\n", "r\n", "t\n"]) {
  meant[(written as string).charCodeAt(0)] = (meaning as string).charCodeAt(0);
}

const encoded = /%[0-9A-Fa-f]{2}|\\[unrt/"\\]/;

/**
 * Two layers of percent-encoding (RFC 3986 section 2.1) undone, and behind them the escapes of JSON (RFC 8259 section 7); the
 * text itself where it has none. Escapes that are not UTF-8 become U+FFFD, those of surrogates stay. Never longer than the text.
 * The work is a step for each byte, however many escapes there are.
 */
export function unescaped(text: string): string {
  if (!encoded.test(text)) return text;
  const bytes = Buffer.from(text);
  const length = withoutBackslashes(bytes, withoutPercents(bytes, withoutPercents(bytes, bytes.length)));
  return bytes.toString("utf8", 0, length);
}

function withoutPercents(bytes: Buffer, length: number): number {
  let end = 0;
  for (let at = 0; at < length; at += 1) {
    const byte = bytes[at] as number;
    const value = byte === percent && at + 2 < length ? hexAt(bytes, at + 1, 2) : -1;
    if (value >= 0) at += 2;
    bytes[end++] = value >= 0 ? value : byte;
  }
  return end;
}

function withoutBackslashes(bytes: Buffer, length: number): number {
  let end = 0;
  for (let at = 0; at < length; at += 1) {
    const byte = bytes[at] as number;
    const next = byte === backslash && at + 1 < length ? (bytes[at + 1] as number) : 0;
    const code = next === letterU && at + 5 < length ? hexAt(bytes, at + 2, 4) : -1;
    if (code >= 0 && (code < 0xd800 || code > 0xdfff)) {
      end = writeCharacter(bytes, end, code);
      at += 5;
    } else if (meant[next] !== 0) {
      bytes[end++] = meant[next] as number;
      at += 1;
    } else bytes[end++] = byte;
  }
  return end;
}

/** The number that so many digits say, or less than 0. */
function hexAt(bytes: Buffer, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i += 1) {
    const digit = hex[bytes[i] as number] as number;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** UTF-8 of a character of the first plane. */
function writeCharacter(bytes: Buffer, at: number, code: number): number {
  let end = at;
  if (code < 0x80) bytes[end++] = code;
  else {
    if (code < 0x800) bytes[end++] = 0xc0 | (code >> 6);
    else {
      bytes[end++] = 0xe0 | (code >> 12);
      bytes[end++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[end++] = 0x80 | (code & 0x3f);
  }
  return end;
}
