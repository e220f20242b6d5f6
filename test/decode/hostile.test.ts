import fc from "fast-check";
import { decode, loadCatalogue } from "../../src/decode/index.js";
import { read } from "../../src/read/index.js";
import { reasonOf } from "./request.js";

const catalogue = loadCatalogue(
  "tools.yaml",
  `
tools:
  - name: deploy-api
    match: {hosts: [deploy.internal, "*.h"], path: "/v1/{verb}"}
    action: "{path.verb}"
    environment: "{body.environment}"
    numbers: [replicas]
`,
);

const bytes = fc.uint8Array({ maxLength: 40 });
const jsonish = fc
  .array(
    fc.constantFrom("{", "}", "[", "]", '"', ",", ":", '"a"', '"environment":"x"', "1e9", "\\ud800", "null", " ", "\n"),
    {
      maxLength: 16,
    },
  )
  .map((parts) => new Uint8Array(Buffer.from(parts.join(""))));
const json = fc.json().map((text) => new Uint8Array(Buffer.from(text)));
const good = new Uint8Array(Buffer.from('{"environment":"x"}'));
const latin1 = bytes.map((value) => Buffer.from(value).toString("latin1"));
const text = fc.oneof(latin1, fc.string({ unit: "binary" }), fc.string());
const near = fc
  .array(fc.constantFrom("/", "v1", "?", "&", "=", "%41", "%", "+", "a", ";", "#", ".", "%2f", "replicas"), {
    maxLength: 10,
  })
  .map((parts) => `/v1/${parts.join("")}`);
const headerName = fc.oneof(
  text,
  fc.constantFrom(
    "content-type",
    "content-length",
    "content-encoding",
    "upgrade",
    "host",
    ":path",
    "transfer-encoding",
    "__proto__",
  ),
);
const headerValue = fc.oneof(text, fc.constantFrom("application/json", "0", "1", "gzip", "chunked", "a, b"));

/** Mostly good, so that one hostile part gets as far as it can. */
const request = fc.record({
  path: fc.oneof({ weight: 2, arbitrary: fc.constant("/v1/deploy?a=1") }, text, near),
  host: fc.oneof(
    { weight: 3, arbitrary: fc.constant("deploy.internal") },
    text,
    text.map((value) => `${value}.h`),
  ),
  method: fc.oneof({ weight: 4, arbitrary: fc.constantFrom("POST", "GET") }, text),
  body: fc.oneof({ weight: 2, arbitrary: fc.constant(good) }, bytes, jsonish, json),
  raw: fc.boolean(),
  type: fc.oneof(
    { weight: 3, arbitrary: fc.constant("application/json") },
    fc.constant("application/x-www-form-urlencoded"),
    text,
  ),
  extra: fc.array(fc.tuple(headerName, headerValue), { maxLength: 2 }),
  unmatched: fc.constantFrom("deny" as const, "passthrough" as const),
});

test("whatever bytes come, there is a call or a refusal", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(request, ({ path, host, method, body, raw, type, extra, unmatched }) => {
      const lines = [["content-type", type] as const, ...extra];
      const http = {
        id: "1",
        method,
        path,
        host,
        scheme: "https",
        ...(raw
          ? {
              raw_body: body,
              header_map: { headers: lines.map(([key, value]) => ({ key, raw_value: Buffer.from(value) })) },
            }
          : { body: Buffer.from(body).toString(), headers: Object.fromEntries(lines) }),
      };
      const outcome = reasonOf(() =>
        decode(read({ attributes: { request: { http } } }, { maxBodyBytes: 1000 }), catalogue, { unmatched }),
      );
      const kind = typeof outcome === "string" ? outcome : outcome.tool === null ? "passed" : "call";
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }),
    { numRuns: 4000, interruptAfterTimeLimit: 5000, markInterruptAsFailure: false },
  );
  for (const kind of ["call", "passed", "malformed_body", "malformed_path", "malformed_header", "malformed_host"]) {
    expect([...seen.keys()]).toContain(kind);
  }
});
