import fc from "fast-check";
import { decodePlainRequest } from "../../src/grpc/decode_request.js";
import { loadProtos } from "../../src/grpc/load_protos.js";
import type { CheckRequest } from "../../src/grpc/messages.js";
import { toStruct } from "../../src/grpc/struct.js";
import { headerNames, withHeaderObject, withLines } from "./listed_headers.js";
import { readWireCases, type WireCase } from "./vectors.js";

const protos = loadProtos();
const complete = (bytes: Buffer) => protos.method.requestDeserialize(bytes) as CheckRequest;
const plain = decodePlainRequest;

/** What a decoder makes of bytes: a message, or an error. */
function made(decoder: () => unknown): unknown {
  try {
    return { message: decoder() };
  } catch {
    return "refused";
  }
}

function isMade(result: unknown): result is { message: CheckRequest } {
  return typeof result === "object" && result !== null && "message" in result;
}

function asLines(result: unknown): unknown {
  return isMade(result) ? { message: withLines(result.message) } : result;
}

function asObjects(result: unknown): unknown {
  return isMade(result) ? { message: withHeaderObject(result.message) } : result;
}

function expectAgreement(bytes: Buffer): boolean {
  const ours = made(() => plain(bytes));
  if (typeof ours === "object" && ours !== null && "message" in ours && ours.message === null) return false;
  const theirs = made(() => complete(bytes));
  expect(asObjects(ours)).toStrictEqual(asLines(theirs));
  if (isMade(ours) && isMade(theirs)) expect(headerNames(ours.message)).toEqual(headerNames(theirs.message).sort());
  return true;
}

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "grapheme", maxLength: 12 }));
const name = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "12", "authorization", ""));
const map = fc.array(fc.tuple(name, text), { maxLength: 6 }).map((rows) => Object.fromEntries(rows));
const bytes = fc.uint8Array({ maxLength: 20 }).map((given) => Buffer.from(given));
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const address = fc.oneof(
  fc.record({ socket_address: fc.record({ address: text, port_value: some(fc.nat(70_000)) }) }),
  fc.record({ socket_address: fc.record({ address: text, named_port: text, ipv4_compat: fc.boolean() }) }),
  fc.record({ pipe: fc.record({ path: text }) }),
  fc.record({ envoy_internal_address: fc.record({ server_listener_name: text }) }),
);
const peer = fc.record({ address: some(address), service: text, labels: map, principal: text, certificate: text });
const line = fc.record({ key: name, raw_value: fc.oneof(bytes, fc.constantFrom("a", "é", "").map(Buffer.from)) });
const anyLine = fc.record({ key: name, value: text, raw_value: bytes });
const http = fc.record({
  id: text,
  method: text,
  headers: some(map),
  path: text,
  host: text,
  scheme: text,
  query: text,
  fragment: text,
  size: fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String), fc.nat().map(String), fc.constant("-1")),
  protocol: text,
  body: fc.oneof(text, fc.string({ minLength: 15_000, maxLength: 20_000 })),
  raw_body: bytes,
  header_map: some(fc.record({ headers: fc.array(fc.oneof({ weight: 30, arbitrary: line }, anyLine)) })),
});
const time = fc.record({ seconds: fc.maxSafeInteger().map(String), nanos: fc.integer() });
const metadata = some(fc.record({ filter_metadata: some(fc.constant({ a: toStruct({ b: ["c", 1, null] }) })) }));
const request = fc.record({
  attributes: fc.record({
    source: some(peer),
    destination: some(peer),
    request: some(fc.record({ time: some(time), http: some(http) })),
    context_extensions: map,
    metadata_context: metadata,
    tls_session: some(fc.record({ sni: text })),
    route_metadata_context: metadata,
  }),
});
const encoded = request.map((message) => protos.encodeRequest(message));

describe("requests", () => {
  const vectors = readWireCases<WireCase>("check_request.json").map((wire) => Buffer.from(wire.bytes, "base64"));

  test("whatever can be said is read as the complete decoder reads it, or left to that one", () => {
    fc.assert(
      fc.property(encoded, (whole) => void expectAgreement(whole)),
      { interruptAfterTimeLimit: 4_000 },
    );
  });

  test("so are messages with bytes changed, cut, taken out, put in and appended", () => {
    const from = fc.oneof(encoded, fc.constantFrom(...vectors));
    const change = fc.record({
      at: fc.nat(),
      take: fc.nat(3),
      put: fc.uint8Array({ maxLength: 4 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(from, fc.array(change, { minLength: 1, maxLength: 3 }), fc.boolean(), (whole, changes, twice) => {
        let message = twice ? Buffer.concat([whole, whole]) : whole;
        for (const { at, take, put, cut } of changes) {
          const place = message.length === 0 ? 0 : at % message.length;
          const rest = cut ? [] : [message.subarray(place + take)];
          message = Buffer.concat([message.subarray(0, place), put, ...rest]);
        }
        expectAgreement(message);
      }),
      { numRuns: 3_000, interruptAfterTimeLimit: 6_000 },
    );
  });

  const header = (...content: number[]) => [0x0a, content.length + 4, 0x22, content.length + 2, 0x12, content.length];
  const inHttp = (...content: number[]) => Buffer.from([...header(...content), ...content]);
  test.each<[string, Buffer]>([
    ["an unknown field", inHttp(0x78, 0x01)],
    ["a field of two bytes", inHttp(0x80, 0x01, 0x01)],
    ["field 0", inHttp(0x02, 0x00)],
    ["a group", inHttp(0x0b, 0x0c)],
    ["the end of a group", inHttp(0x0c)],
    ["a text as a number", inHttp(0x08, 0x01)],
    ["a field twice", inHttp(0x0a, 0x01, 0x61, 0x0a, 0x01, 0x62)],
    ["a length beyond the message", inHttp(0x0a, 0x05, 0x61)],
    ["a length without end", inHttp(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff)],
    ["an entry without key", inHttp(0x1a, 0x03, 0x12, 0x01, 0x61)],
    ["an entry with its value first", inHttp(0x1a, 0x06, 0x12, 0x01, 0x61, 0x0a, 0x01, 0x62)],
    ["an entry with a third member", inHttp(0x1a, 0x08, 0x0a, 0x01, 0x61, 0x12, 0x01, 0x62, 0x18, 0x01)],
    ["a number of ten bytes", inHttp(0x48, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)],
    ["a number of eleven bytes", inHttp(0x48, ...Array<number>(10).fill(0xff), 0x01)],
    ["attributes twice", Buffer.concat([inHttp(0x0a, 0x01, 0x61), inHttp(0x12, 0x01, 0x61)])],
  ])("%s is left to the complete decoder", (_, message) => {
    expect(made(() => plain(message))).toEqual({ message: null });
    expectAgreement(message);
  });

  test("of two addresses the later counts, and what is rare is left", () => {
    const message = Buffer.from([0x0a, 0x08, 0x0a, 0x06, 0x0a, 0x04, 0x0a, 0x00, 0x12, 0x00]);
    expect(plain(message)).toBeNull();
    expect(withHeaderObject(protos.decodeRequest(message))).toStrictEqual(complete(message));
  });

  test.each([20, 80, 90, 95, 96, 97, 98, 99, 100, 101, 102, 105, 200])("metadata %i levels deep is left", (levels) => {
    const within = (tag: number, content: Buffer) => {
      const length = content.length;
      return Buffer.concat([Buffer.from([tag, (length & 0x7f) | 0x80, (length >> 7) | 0x80, 0x00]), content]);
    };
    // Value.list_value and ListValue.values.
    let value: Buffer = Buffer.from([0x08, 0x00]);
    for (let level = 0; level < levels; level += 2) value = within(0x32, within(0x0a, value));
    // Struct.fields, and of the entry key and value; Metadata.filter_metadata; the two fields of AttributeContext.
    const entry = Buffer.concat([Buffer.from([0x0a, 0x01, 0x61]), within(0x12, value)]);
    const metadata = within(0x0a, Buffer.concat([Buffer.from([0x0a, 0x01, 0x61]), within(0x12, within(0x0a, entry))]));
    for (const field of [0x5a, 0x6a]) {
      const message = within(0x0a, within(field, metadata));
      expect(plain(message)).toBeNull();
      expect(made(() => protos.decodeRequest(message))).toStrictEqual(made(() => complete(message)));
    }
  });

  test("names of headers are told apart however alike they look", () => {
    const names = ["x-aa-b", "x-ab-b", "x-ba-b", "x-bb-b", "x-aa-b", "X-aa-b", "x-aä-b"];
    for (const name of [...names, ...names, "n".repeat(64), "n".repeat(65), ""]) {
      const message = protos.encodeRequest({
        attributes: { request: { http: { headers: { [name]: "v", z: name } } } },
      });
      expect(expectAgreement(message)).toBe(true);
    }
  });

  test("a header says what this message says, whatever the one before said under the same name", () => {
    const few = fc.constantFrom("", "a", "b", "ab", "aé", "\ufffd", "\ufffd\ufffd", "v".repeat(20), "v".repeat(21));
    const names = fc.constantFrom("x-a", "x-b", "x-é", "n".repeat(64), "n".repeat(65), "");
    const entries = fc.uniqueArray(fc.tuple(names, few), { selector: ([name]) => name });
    fc.assert(
      fc.property(entries, fc.boolean(), (rows, broken) => {
        const message = protos.encodeRequest({
          attributes: { request: { http: { headers: Object.fromEntries(rows) } } },
        });
        // A byte that is no UTF-8 is read as the character that stands for it, and is not that character.
        const found = message.indexOf(0x61);
        if (broken && found >= 0) message[found] = 0xff;
        // It may have been a length.
        expect(expectAgreement(message) || broken).toBe(true);
      }),
      { numRuns: 2_000, interruptAfterTimeLimit: 4_000 },
    );
  });

  test("headers are listed in one order, however they came", () => {
    const entries = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z][a-z-]{0,3}$/), fc.string({ maxLength: 3 })), {
      selector: ([name]) => name,
    });
    const listed = (rows: [string, string][]) => {
      const headers = Object.fromEntries(rows);
      return plain(protos.encodeRequest({ attributes: { request: { http: { headers } } } }));
    };
    fc.assert(
      fc.property(entries, (rows) => {
        expect(listed(rows.toReversed())).toStrictEqual(listed(rows));
      }),
      { numRuns: 300, interruptAfterTimeLimit: 2_000 },
    );
  });

  test("what is as long as a secret is made anew for each call, and what is said again is not", () => {
    const [short, long] = ["x".repeat(20), "x".repeat(21)];
    const message = protos.encodeRequest({ attributes: { request: { http: { headers: { short, long } } } } });
    const listed = () => plain(message)?.attributes?.request?.http?.headers as readonly object[];
    const [first, again] = [listed(), listed()];
    expect(again).toEqual(first);
    expect(again[1]).toBe(first[1]);
    expect(again[0]).not.toBe(first[0]);
  });

  test.each([
    ["twice", { "x-a": "1" }, { "x-a": "2" }],
    ["after a number", { "x-a": "1" }, { "12": "2" }],
  ])("a header %s is left, since an object has another order", (_, one, other) => {
    const headers = (given: object) => protos.encodeRequest({ attributes: { request: { http: { headers: given } } } });
    const entry = (message: Buffer) => message.subarray(6);
    const both = [...entry(headers(one)), ...entry(headers(other))];
    const message = Buffer.from([
      ...[6, 4, 2].flatMap((more, i) => [[0x0a, 0x22, 0x12][i] ?? 0, both.length + more - 2]),
      ...both,
    ]);
    expect(plain(message)).toBeNull();
    expect(made(() => complete(message))).not.toBe("refused");
  });

  test("more headers than a call has are left", () => {
    const of = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, "v"]));
    const message = (count: number) =>
      protos.encodeRequest({ attributes: { request: { http: { headers: of(count) } } } });
    expect(expectAgreement(message(100))).toBe(true);
    expect(plain(message(101))).toBeNull();
  });

  test("a name that is no member by assignment is left too", () => {
    const message = protos.encodeRequest({
      attributes: { request: { http: { headers: Object.fromEntries([["__proto__", "own"]]) } } },
    });
    expect(plain(message)).toBeNull();
  });

  test("bytes that are no UTF-8 become what they became", () => {
    for (const broken of [
      [0xff],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xe2, 0x82],
      [0xf4, 0x90, 0x80, 0x80],
      [0xef, 0xbb, 0xbf],
    ])
      expect(expectAgreement(inHttp(0x5a, broken.length, ...broken))).toBe(true);
  });

  test.each([
    ["as text", [{ key: "b", value: "c" }]],
    ["in two forms", [{ key: "b", value: "c", raw_value: Buffer.from("c") }]],
    ["in more lines than a call has", Array.from({ length: 101 }, () => ({ key: "b", raw_value: Buffer.from("c") }))],
  ])("a header by itself %s is left", (_, headers) => {
    const message = protos.encodeRequest({ attributes: { request: { http: { header_map: { headers } } } } });
    expect(plain(message)).toBeNull();
    expect(made(() => complete(message))).not.toBe("refused");
  });

  test("bytes and text of a header are told apart, whatever was read in the other form before", () => {
    const named = (value: Buffer) =>
      protos.encodeRequest({
        attributes: { request: { http: { header_map: { headers: [{ key: "x", raw_value: value }] } } } },
      });
    const joined = (value: string) =>
      protos.encodeRequest({ attributes: { request: { http: { headers: { x: value } } } } });
    const values = ["é", "e", "\ufffd", ""];
    for (const value of [...values, ...values]) {
      for (const message of [named(Buffer.from(value)), joined(value), named(Buffer.from(value, "latin1"))]) {
        expect(expectAgreement(message)).toBe(true);
      }
    }
  });

  test.each([
    ["size unknown", { size: "-1" }],
    ["a body in bytes", { raw_body: Buffer.from([0xff, 0x00, 0x80]) }],
    [
      "raw headers",
      {
        header_map: {
          headers: [
            { key: "a", raw_value: Buffer.from([0xff]) },
            { key: "b" },
            { key: "a", raw_value: Buffer.from("again") },
          ],
        },
      },
    ],
    ["a large body", { body: "ä".repeat(20_000) }],
  ])("%s is plain", (_, more) => {
    const socket = { socket_address: { address: "10.0.0.1", port_value: 8080 } };
    const message = protos.encodeRequest({
      attributes: {
        source: { address: socket, principal: "spiffe://a/b" },
        destination: { address: socket },
        request: {
          time: { seconds: "1764000000", nanos: 999_999_999 },
          http: { id: "1", headers: { a: "b" }, ...more },
        },
        context_extensions: { a: "b" },
        metadata_context: {},
        route_metadata_context: {},
        tls_session: { sni: "a" },
      },
    });
    expect(expectAgreement(message)).toBe(true);
  });
});
