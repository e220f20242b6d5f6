import type { Json } from "../../src/call.js";
import { mostSearched } from "../../src/dlp/scan.js";

/** As much as is searched in one call, with some room for names and the path. */
const room = mostSearched - 32;

/** The whole room with a repeated piece in it. */
const filled = (piece: string): string => piece.repeat(Math.ceil(room / piece.length)).slice(0, room);

const encoded = (text: string, layers: number): string =>
  layers === 0 ? text : encoded(Buffer.from(text).toString("base64"), layers - 1);

/** Texts that fill the room and make a careless search start over and over again. */
export const adversarial: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...["a", "A", "0", "4", " ", "-", ".", "@", "%", "\\", "=", "/", ":", "+", "é", "٤", "\u200b"],
    ...[
      "a.",
      "a@",
      "a@a.",
      "a.b@",
      "4 ",
      "4-",
      "4111 ",
      "4111-",
      "12-",
      "+1",
      "415-",
      "(415) ",
      "GB82",
      "GB82 ",
      "4 4 4 ",
    ],
    ...[
      "ssn ",
      "mrn ",
      "mrn-",
      "npi 1234567890 ",
      "eyJ",
      "eyJhbGciOiJub25lIn0.",
      "eyJ-",
      "AAAAAAAA.",
      "eyJhbGci.a.b ",
      "eyJhIjp9fQ.a.b ",
      "AKIA",
      "xoxb-",
    ],
    ...[
      "-----BEGIN ",
      "-----BEGIN PRIVATE KEY-----",
      "-----END",
      "ssh ",
      "a@a:",
      "//",
      "http:",
      "http://",
      "http://a@",
      "//1.1.1.1",
      "//%31",
      "///",
      "scp ",
      "scp a ",
      "\nA=1 ",
      "; sudo ",
    ],
    ...[
      "data:",
      ";base64,",
      "1.",
      "10.0.0.",
      "::",
      "f:",
      "0x7f.",
      "www.",
      "%41",
      "%2541",
      "\\u0034",
      "QUJD\n",
      "QUFB/",
    ],
    ...["jane@example.com ", "4111111111111111 ", "AccountKey=", "secret key ", "phone 1", "BFQRUV", "「４」"],
  ]
    .map((piece) => [JSON.stringify(piece), filled(piece)] as const)
    .concat([
      ...[1, 2, 3].map((layers) => {
        const whole = encoded(filled("4 4 4 jane@example.com %41"), layers);
        return [`base64, ${layers} layers deep`, whole.slice(0, room)] as const;
      }),
      ["distinct addresses", addresses(30_000).join(" ").slice(0, room)],
    ]),
);

function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `a${i}@example.com`);
}

const half = room / 2;

/** Parameters of almost as many texts as are searched. */
export const adversarialParams: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  "many short texts": { p: Array.from({ length: 4_900 }, (_, i) => i.toString(36)) },
  "many empty texts": { p: Array.from({ length: 4_900 }, () => "") },
  "many keys": { p: Object.fromEntries(Array.from({ length: 2_400 }, (_, i) => [`k${i}`, 1])) },
  "many names that are masked": Object.fromEntries(addresses(2_400).map((address) => [address, 1])),
  "many values under one long name": { [`a@b.example ${filled("a ").slice(0, half)}`]: addresses(4_900) },
};
