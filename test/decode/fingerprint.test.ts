import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { Call } from "../../src/call.js";
import { canonicalText, fingerprintBytes } from "../../src/decode/fingerprint.js";
import { fingerprint } from "../../src/decode/index.js";
import { decodeWith, reasonOf, type Sketch } from "./request.js";

interface Vector {
  description: string;
  agent: string;
  session: string | null;
  tool: string | null;
  action: string | null;
  environment: string | null;
  destination: Call["destination"];
  method: string;
  path: string;
  query: [string, string][];
  content_type: string;
  body_base64: string;
  canonical: string;
  fingerprint: string;
}

const vectors = JSON.parse(
  readFileSync(new URL("../vectors/fingerprint.json", import.meta.url), "utf8"),
) as readonly Vector[];

function subjectOf(vector: Vector) {
  const call: Call = {
    ...decodeWith({}, { method: "GET", headers: {}, body: "" }),
    tool: vector.tool,
    action: vector.action,
    environment: vector.environment,
    destination: vector.destination,
    http: {
      method: vector.method,
      path: vector.path,
      query: vector.query.map(([name, value]) => ({ raw: "not used", name, value })),
      headers: [{ name: "x-not", value: "used" }],
      content_type: vector.content_type,
      body_sha256: createHash("sha256").update(Buffer.from(vector.body_base64, "base64")).digest("hex"),
    },
  };
  return { agent: vector.agent, session: vector.session, call };
}

test.each(vectors)("$description", (vector) => {
  expect(canonicalText(subjectOf(vector))).toBe(vector.canonical);
  expect(fingerprint(subjectOf(vector))).toBe(vector.fingerprint);
});

const print = (sketch: Sketch, agent = "a", session: string | null = "s") =>
  fingerprint({ agent, session, call: decodeWith({}, sketch, "passthrough") });

test("agent and session count", () => {
  const prints = [print({}), print({}, "b"), print({}, "a", "t"), print({}, "a", null), print({}, "as", "")];
  expect(new Set(prints).size).toBe(prints.length);
});

test("headers apart from the content type do not count", () => {
  const headers = { "content-type": "application/json", "x-countersign-override": "token" };
  expect(print({ headers })).toBe(print({}));
});

test("spellings that every tool reads the same have one fingerprint", () => {
  const plain = print({ target: "/v1/deploy?a=x+y" });
  expect(print({ target: "/v1/%64eploy?%61=x%20y", authority: "DEPLOY.internal.:443" })).toBe(plain);
});

const base: Sketch = {
  authority: "deploy.internal:8443",
  target: "/v1/deploy-now?zone=eu&size=10",
  headers: { "content-type": "application/json" },
  body: '{"replicas":10,"name":"abc"}',
};
const change = (text: string) =>
  fc.tuple(fc.nat(text.length - 1), fc.integer({ min: 0x21, max: 0x7e })).map(([at, code]) => {
    return `${text.slice(0, at)}${String.fromCharCode(code)}${text.slice(at + 1)}`;
  });

/** Refused or another call; the same only where the canonical form says that it is the same. */
function expectAnother(sketch: Sketch, same: boolean) {
  const original = print(base);
  const changed = reasonOf(() => print({ ...base, ...sketch }));
  if (!same) expect(changed).not.toBe(original);
}

test("one changed byte is another call", () => {
  fc.assert(
    fc.property(change(base.body as string), (body) => expectAnother({ body }, body === base.body)),
    { numRuns: 300, interruptAfterTimeLimit: 2000 },
  );
  fc.assert(
    fc.property(change(base.target as string), (target) => expectAnother({ target }, target === base.target)),
    { numRuns: 300, interruptAfterTimeLimit: 2000 },
  );
  fc.assert(
    fc.property(change(base.authority as string), (authority) =>
      expectAnother({ authority }, authority.toLowerCase() === base.authority),
    ),
    { numRuns: 300, interruptAfterTimeLimit: 2000 },
  );
  // Passed through unread, so that every other type gets as far as a fingerprint.
  const elsewhere = (type: string): Sketch => ({ ...base, target: "/else", headers: { "content-type": type } });
  fc.assert(
    fc.property(change("application/json"), (type) => {
      if (type !== "application/json") expect(print(elsewhere(type))).not.toBe(print(elsewhere("application/json")));
    }),
    { numRuns: 300, interruptAfterTimeLimit: 2000 },
  );
});

test("what is written in short is what the complete writer makes, whatever a call says", () => {
  const text = fc.oneof(
    { weight: 60, arbitrary: fc.stringMatching(/^[ !#-[\]-~]{0,8}$/) },
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.constantFrom("\\ud800", '"', "\u2028", "\0", "\ud800"),
  );
  const maybe = fc.option(text);
  const call = decodeWith({}, {}, "passthrough");
  let short = 0;
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 7, maxLength: 7 }),
      fc.array(maybe, { minLength: 4, maxLength: 4 }),
      (said, given) => {
        const [agent = "", method = "", path = "", content_type = "", body_sha256 = "", host = "", value = ""] = said;
        const [session = null, tool = null, action = null, environment = null] = given;
        const destination = { ...call.destination, host };
        const query = [{ raw: "", name: "a", value: Buffer.from(value).toString() }];
        const http = { ...call.http, method, path, content_type, body_sha256, query };
        const subject = { agent, session, call: { ...call, tool, action, environment, destination, http } };
        const written = fingerprintBytes(subject);
        if (written === null) return;
        short += 1;
        expect(Buffer.from(written).toString()).toBe(canonicalText(subject));
      },
    ),
    { numRuns: 1_000, interruptAfterTimeLimit: 4_000 },
  );
  expect(short).toBeGreaterThan(20);
});

const withPath = (path: string) => {
  const call = decodeWith({}, {}, "passthrough");
  return { agent: "a", session: null, call: { ...call, http: { ...call.http, path } } };
};

test.each(["\ud800", "é", '"', "\\", "\u007f", "\n"])(
  "a call that says %j is left to the complete writer",
  (character) => {
    for (const path of [character, `/a${character}`, `${character}a`])
      expect(fingerprintBytes(withPath(path))).toBeNull();
  },
);

test("a call of any length is written whole", () => {
  for (let length = 1; length < 2_500; length += 1) {
    const subject = withPath("p".repeat(length));
    const written = fingerprintBytes(subject);
    if (length < 1_000) expect(written).not.toBeNull();
    if (written !== null) expect(Buffer.from(written).toString()).toBe(canonicalText(subject));
  }
});
