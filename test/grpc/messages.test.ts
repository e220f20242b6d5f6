import { tmpdir } from "node:os";
import fc from "fast-check";
import type { Json } from "../../src/call.js";
import { loadProtos } from "../../src/grpc/load_protos.js";
import type { CheckResponse } from "../../src/grpc/messages.js";
import { toStruct } from "../../src/grpc/struct.js";
import { withHeaderObject } from "./listed_headers.js";
import { readWireCases, type WireCase } from "./vectors.js";

const protos = loadProtos();
const requests = readWireCases<WireCase>("check_request.json");
const responses = readWireCases<WireCase & { response?: CheckResponse }>("check_response.json");

function bytesOf(wire: WireCase): Buffer {
  return Buffer.from(wire.bytes, "base64");
}

const decodedFrom = (bytes: Buffer) => withHeaderObject(protos.decodeRequest(bytes));

function requestCase(index: number) {
  const wire = requests[index];
  if (!wire) throw new Error(`no request vector ${index}`);
  return decodedFrom(bytesOf(wire)).attributes;
}

describe("requests that another implementation encoded", () => {
  test.each(requests)("$name", (wire) => {
    const decoded = decodedFrom(bytesOf(wire));
    expect(decoded).toStrictEqual(wire.decoded);
    expect(decodedFrom(protos.encodeRequest(decoded))).toStrictEqual(wire.decoded);
  });

  test("text form: headers are own members, whatever their name, and numbers keep their precision", () => {
    const http = requestCase(0)?.request?.http;
    expect(Object.entries(http?.headers ?? {})).toContainEqual(["__proto__", "own"]);
    expect(Object.entries(http?.headers ?? {})).toContainEqual(["constructor", "too"]);
    expect(http?.size).toBe("9007199254740993");
    expect(http?.body).toBe('{"replicas": "ä 3"}');
    expect(http?.raw_body).toEqual(Buffer.alloc(0));
    expect(http?.header_map).toBeNull();
    expect(requestCase(0)?.source?.principal).toBe("spiffe://cluster.local/ns/ci/sa/deploy-manager");
  });

  test("raw form: repeated headers stay apart and bytes stay bytes", () => {
    const http = requestCase(1)?.request?.http;
    expect(http?.headers).toEqual({});
    expect(http?.body).toBe("");
    expect(http?.raw_body).toEqual(Buffer.from([0x00, 0xff, 0xfe, 0x80, 0xc3, 0x28, 0x0d, 0x0a]));
    expect(http?.header_map?.headers?.filter((header) => header.key === "x-tag")).toEqual([
      { key: "x-tag", value: "", raw_value: Buffer.from("one") },
      { key: "x-tag", value: "", raw_value: Buffer.from([0xff, 0xfe, 0x00, 0x80]) },
    ]);
  });

  test("a message that lost its end is refused, wherever the cut is", () => {
    for (const wire of requests.slice(0, 3)) {
      const whole = bytesOf(wire);
      for (let length = 1; length < whole.length; length++) {
        expect(() => protos.decodeRequest(whole.subarray(0, length))).toThrow();
      }
    }
  });
});

describe("responses", () => {
  test.each(responses)("$name: decodes as it was meant", (wire) => {
    expect(protos.decodeResponse(bytesOf(wire))).toStrictEqual(wire.decoded);
  });

  const ours = responses.flatMap((wire) => (wire.response ? [{ ...wire, response: wire.response }] : []));

  test.each(ours)("$name: our bytes say the same", (wire) => {
    expect(protos.decodeResponse(protos.encodeResponse(wire.response))).toStrictEqual(wire.decoded);
  });

  // The other implementation writes the members of a oneof last, and leaves out a status code 0.
  test.each(["denial with a status code that has no name", "error"])("%s: and are the same bytes", (name) => {
    const wire = ours.find((candidate) => candidate.name === name);
    expect(wire && protos.encodeResponse(wire.response).toString("base64")).toBe(wire?.bytes);
  });

  const ok = { ok_response: {} };
  const denied = { denied_response: { status: { code: 403 } } };
  test.each<[string, unknown]>([
    ["no answer", {}],
    ["nothing", undefined],
    ["no status, which Envoy takes for OK", denied],
    ["a denial with status OK", { status: { code: 0 }, ...denied }],
    ["a denial with a status that is no number", { status: { code: "7" }, ...denied }],
    ["a denial with an unknown status", { status: { code: 17 }, ...denied }],
    ["a denial without HTTP status", { status: { code: 7 }, denied_response: {} }],
    ["a denial with HTTP status 0", { status: { code: 7 }, denied_response: { status: { code: 0 } } }],
    ["a denial with HTTP status 100", { status: { code: 7 }, denied_response: { status: { code: 100 } } }],
    ["an error with status OK", { status: { code: 0 }, error_response: { status: { code: 503 } } }],
    ["an allow without status", ok],
    ["an allow with another status", { status: { code: 7 }, ...ok }],
    ["two answers", { status: { code: 0 }, ...ok, ...denied }],
  ])("%s is not encoded", (_, response) => {
    expect(() => protos.encodeResponse(response as CheckResponse)).toThrow(TypeError);
  });
});

test("the files are found from any working directory", () => {
  const before = process.cwd();
  process.chdir(tmpdir());
  try {
    expect(loadProtos().method.path).toBe("/envoy.service.auth.v3.Authorization/Check");
  } finally {
    process.chdir(before);
  }
});

describe("toStruct", () => {
  const roundTrip = (object: Record<string, Json>): unknown => {
    const response: CheckResponse = { status: { code: 0 }, ok_response: {}, dynamic_metadata: toStruct(object) };
    return (protos.decodeResponse(protos.encodeResponse(response)) as { dynamic_metadata: unknown }).dynamic_metadata;
  };

  test("says every kind of JSON value", () => {
    expect(roundTrip({ a: null, b: 1.5, c: "ä", d: false, e: [1, []], f: { g: {} } })).toStrictEqual({
      fields: {
        a: { nullValue: "NULL_VALUE", kind: "nullValue" },
        b: { numberValue: 1.5, kind: "numberValue" },
        c: { stringValue: "ä", kind: "stringValue" },
        d: { boolValue: false, kind: "boolValue" },
        e: {
          kind: "listValue",
          listValue: {
            values: [
              { kind: "numberValue", numberValue: 1 },
              { kind: "listValue", listValue: { values: [] } },
            ],
          },
        },
        f: {
          kind: "structValue",
          structValue: { fields: { g: { kind: "structValue", structValue: { fields: {} } } } },
        },
      },
    });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %s", (number) => {
    expect(() => toStruct({ number })).toThrow(TypeError);
  });

  test("keeps every name", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.string()), (object) => {
        const { fields } = roundTrip(object) as { fields: Record<string, unknown> };
        expect(Object.keys(fields).sort()).toEqual(Object.keys(object).sort());
      }),
      { interruptAfterTimeLimit: 2_000, markInterruptAsFailure: false },
    );
  });
});
