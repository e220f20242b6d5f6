import fc from "fast-check";
import type { CheckRequest } from "../../src/grpc/messages.js";
import { type AgentRequest, asEnvoyReads } from "./envoy.js";
import { type Files, startWorld, type World } from "./world.js";

const key = "key-1";
const hashOfKey = "be2974546978e3739e6d6da85c4be9f334ce32df2b9fd4b6ff1b55c0d57e9d44";

/** Everybody may call everything as far as scopes go; policy lets one agent do one thing with one tool. */
const files: Files = {
  tools: [
    {
      name: "deploy-api",
      match: { hosts: ["deploy.internal"], methods: ["POST"], path: "/v1/{action}" },
      action: "{path.action}",
      environment: "{body.environment}",
    },
    { name: "aws", match: { hosts: ["*.aws.internal"], path: "/{service}" }, action: "{path.service}" },
    { name: "deploy-logs", match: { hosts: ["logs.internal"], path: "/v1/deploy" }, action: "deploy", body: "none" },
  ],
  agents: [
    { id: "bot", scopes: ["*:*"], api_keys: [{ sha256: hashOfKey }] },
    {
      id: "other",
      scopes: ["*:*"],
      api_keys: [{ sha256: "7c36b0a9dedde119c75165957c6c9c187e65df1ee5db87c4c58ad503ad88cbe3" }],
    },
  ],
  policies: {
    "bot.yaml": {
      agent: "bot",
      tools: ["deploy-api"],
      actions: [{ name: "deploy", allowed_environments: ["staging"], max_replicas: 5 }],
    },
    "other.yaml": { agent: "other", tools: ["other-api"], actions: [{ name: "deploy" }] },
  },
};

let world: World;
beforeEach(async () => {
  world = await startWorld(files);
});
afterEach(() => world.close());

const one = fc.constantFrom;
/** What belongs in a permitted call most of the time, and else anything. */
const mostly = <T>(good: T, ...others: fc.Arbitrary<T>[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(good) }, ...others.map((arbitrary) => ({ weight: 1, arbitrary })));

const noise = fc.string({ maxLength: 6, unit: fc.constantFrom(..."aA/.%25e;:@?&=# \\\0é") });
const method = mostly("POST", one("GET", "PUT", "DELETE", "post", "CONNECT", "", "PATCH"));
const host = mostly(
  "deploy.internal",
  one("DEPLOY.internal.", "deploy.internal:443", "x.aws.internal", "logs.internal", "127.1", "deploy.internal@x", ""),
  noise,
  noise.map((text) => `deploy.internal${text}`),
);
const path = mostly(
  "/v1/deploy",
  one(
    "/v1/%64eploy",
    "/v1/scale",
    "/V1/deploy",
    "/v1/deploy/",
    "/v1//deploy",
    "/v1/x/../deploy",
    "/v1/deploy?replicas=9",
  ),
  noise.map((text) => `/v1/${text}`),
  noise.map((text) => `/v1/deploy${text}`),
);
const body = mostly(
  '{"environment":"staging","replicas":3}',
  one(
    '{"environment":"staging"}',
    '{"environment":"production","replicas":3}',
    '{"environment":"staging","replicas":6}',
    '{"environment":"staging","replicas":3,"replicas":9}',
    '{"environment":"staging","replicas":"3"}',
    "environment=staging&replicas=3",
    "",
    "{}",
  ),
  fc.json({ maxDepth: 2 }),
  noise,
);
const credential = mostly<[string, string][]>(
  [["x-api-key", key]],
  one<[string, string][]>(
    [],
    [["x-api-key", "key-2"]],
    [["x-api-key", "key-3"]],
    [
      ["x-api-key", key],
      ["x-api-key", key],
    ],
    [
      ["X-Api-Key", key],
      ["authorization", "Bearer nonsense"],
    ],
    [["authorization", `Bearer ${key}`]],
  ),
);
const contentType = mostly("application/json", one("text/plain", "", "application/x-www-form-urlencoded"), noise);
const extra = fc.array(
  fc.tuple(
    one(
      "x-note",
      "x-http-method-override",
      "content-encoding",
      "transfer-encoding",
      "upgrade",
      "host",
      "x-countersign-override",
      "x-countersign-decision",
      "x-envoy-auth-partial-body",
      "content-length",
      "bad name",
    ),
    fc.oneof(one("1", "gzip", "chunked", "GET", "deploy.internal", "allow", ""), noise),
  ),
  { maxLength: 2 },
);
const sparse = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: extra });

const requests: fc.Arbitrary<AgentRequest> = fc
  .record({
    method,
    host,
    path,
    body,
    credential,
    contentType,
    extra: sparse,
    scheme: mostly("https", one("http", "ftp", "")),
  })
  .map(({ credential, contentType, extra, body, ...rest }) => ({
    ...rest,
    id: "stream-1",
    body: Buffer.from(body),
    headers: [...credential, ["content-type", contentType], ...extra],
  }));

/** By other means than the pipeline's: is this the one call that is permitted, in one of its spellings? */
function isPermitted({ method, host, path, headers, body }: AgentRequest): boolean {
  const credentials = headers.filter(([name]) => /^(x-api-key|authorization)$/i.test(name));
  const url = new URL(`https://${host.replace(/\.?(:443|:80)?$/, "")}${path}`);
  const json = JSON.parse(body.toString()) as { environment?: unknown; replicas?: unknown };
  return (
    method === "POST" &&
    credentials.length === 1 &&
    credentials[0]?.[1] === key &&
    url.host === "deploy.internal" &&
    decodeURIComponent(url.pathname) === "/v1/deploy" &&
    !url.searchParams.has("replicas") &&
    json.environment === "staging" &&
    (json.replicas === undefined || (typeof json.replicas === "number" && json.replicas <= 5)) &&
    body.toString().split('"replicas"').length <= 2
  );
}

test("whatever is asked, only the one permitted call passes, and every answer has its record", async () => {
  const seen = { passed: 0, denied: 0 };
  const reasons = new Set<unknown>();
  await fc.assert(
    fc.asyncProperty(requests, async (request) => {
      const told = await world.ask(request);
      reasons.add(told.metadata.reason);
      if (told.ok === null) {
        seen.denied += 1;
        expect(told.metadata.enforced).toBe("deny");
        expect(told.status).not.toBe(503);
        return;
      }
      seen.passed += 1;
      expect(told.metadata).toMatchObject({ decision: "allow", agent_id: "bot", tool: "deploy-api", action: "deploy" });
      expect(isPermitted(request)).toBe(true);
    }),
    { numRuns: 4_000, interruptAfterTimeLimit: 12_000, markInterruptAsFailure: false },
  );
  // Both sides were met, each in many ways.
  expect(seen.passed).toBeGreaterThan(20);
  expect(seen.denied).toBeGreaterThan(100);
  expect(reasons.size).toBeGreaterThan(15);
  const records = await world.records();
  expect(records).toHaveLength(seen.passed + seen.denied);
  expect(records.filter(({ enforced }) => enforced === "allow")).toHaveLength(seen.passed);
}, 30_000);

/** What no Envoy sends: members of every kind, missing ones, and a request inside that may even be good. */
const attributes = fc.record(
  {
    id: fc.anything(),
    method: mostly<unknown>("POST", fc.anything()),
    host: mostly<unknown>("deploy.internal", fc.anything()),
    path: mostly<unknown>("/v1/deploy", fc.anything()),
    scheme: mostly<unknown>("https", fc.anything()),
    headers: fc.anything(),
    header_map: fc.oneof(fc.anything(), fc.record({ headers: fc.array(fc.anything()) })),
    size: fc.anything(),
    body: fc.anything(),
    raw_body: fc.anything(),
  },
  { requiredKeys: [] },
);
const questions = fc.oneof(
  fc.anything(),
  fc.record({ attributes: fc.anything() }),
  attributes.map((http) => ({ attributes: { request: { http } } })),
);

test("a question of any other form is denied, and nothing is thrown", async () => {
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(questions, async (question) => {
      asked += 1;
      const told = asEnvoyReads(await world.decide(question as CheckRequest));
      expect(told.ok).toBeNull();
      expect(told.status).toBeGreaterThanOrEqual(400);
      expect(told.metadata).toMatchObject({ enforced: "deny", agent_id: null });
    }),
    { numRuns: 1_500, interruptAfterTimeLimit: 6_000, markInterruptAsFailure: false },
  );
  expect(await world.records()).toHaveLength(asked);
}, 30_000);
