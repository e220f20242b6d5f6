/** 1 MiB of a repeated piece. */
const filled = (piece: string): string => piece.repeat(Math.ceil(2 ** 20 / piece.length));

const encoded = (text: string, layers: number): string =>
  layers === 0 ? text : encoded(Buffer.from(text).toString("base64"), layers - 1);

/** Texts of 1 MiB that make a careless search start over and over again. */
export const adversarial: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...["a", "A", "0", "4", " ", "-", ".", "@", "%", "\\", "=", "/", ":", "+", "é", "٤", "\u200b"],
    ...["a.", "a@", "a@a.", "a.b@", "4 ", "4-", "4111 ", "4111-", "12-", "+1", "415-", "(415) ", "GB82", "GB82 "],
    ...["ssn ", "mrn ", "mrn-", "npi 1234567890 ", "eyJ", "eyJhbGciOiJub25lIn0.", "eyJ-", "AAAAAAAA.", "AKIA", "xoxb-"],
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
      ["base64 of base64 of base64", encoded(filled("4111 1111 1111 1111 jane@example.com ").slice(0, 2 ** 18), 3)],
      ["distinct addresses", Array.from({ length: 60_000 }, (_, i) => `a${i}@example.com`).join(" ")],
    ]),
);
