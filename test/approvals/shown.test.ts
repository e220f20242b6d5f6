import { isBodyUnread, shownCall } from "../../src/approvals/draft.js";
import { shownDigest } from "../../src/approvals/proof.js";
import type { Json } from "../../src/call.js";
import { decode, loadCatalogue } from "../../src/decode/index.js";
import { call } from "./fixture.js";

const tool = (params: string) => `tools:
  - name: cluster
    match: {hosts: ["prod.clusters.internal"], methods: [PATCH, GET], path: "/apis/{group}/scale"}
    action: scale
    environment: production
    params: ${params}
`;

function shownOf(body: string, { params = '{replicas: "{body.spec.replicas}"}', path = "/apis/web/scale" } = {}) {
  const request = {
    id: "1",
    method: body === "" ? "GET" : "PATCH",
    scheme: "https" as const,
    authority: "prod.clusters.internal",
    target: path,
    headers: [{ name: "content-type", value: "application/json" }],
    body: Buffer.from(body),
    bodyAnnounced: body !== "",
  };
  return shownCall(decode(request, loadCatalogue("tools.yaml", tool(params)), { unmatched: "passthrough" }));
}

describe("what reaches the tool beside the parameters is shown", () => {
  test.each<[string, string, Json]>([
    ["{replicas: '{body.spec.replicas}'}", '{"spec":{"replicas":3,"image":"evil"},"ns":"kube-system"}', null],
    [
      '"{body.spec}"',
      '{"spec":{"replicas":3},"as_user":"root","dryRun":false}',
      { spec: { replicas: 3 }, as_user: "root", dryRun: false },
    ],
  ])("params: %s", (params, body, wanted) => {
    const shown = shownOf(body, { params }) as { body?: Json };
    const text = JSON.stringify(shown);
    for (const word of ["evil", "kube-system", "root"])
      expect([word, text.includes(word)]).toEqual([word, body.includes(word)]);
    if (wanted !== null) expect(shown.body).toEqual(wanted);
    expect(isBodyUnread(shown)).toBe(false);
  });

  test("not a word of it when there is nothing", () => {
    expect(shownOf('{"spec":{"replicas":3}}', { params: '"{body}"' })).not.toHaveProperty("body");
    expect(shownCall({ ...call, body: {} })).not.toHaveProperty("body");
  });

  test("a member of whatever name", () => {
    const body = JSON.parse('{"__proto__": {"a": 1}, "constructor": 1}');
    expect(JSON.stringify(shownCall({ ...call, body }))).toContain('"body":{"__proto__":{"a":1},"constructor":1}');
  });
});

test("a body that was not read is told apart from none", () => {
  const shown = shownOf('{"drop":"everything"}', { path: "/elsewhere" });
  expect(shown).toMatchObject({ tool: null, body: null });
  expect(isBodyUnread(shown)).toBe(true);
  expect(isBodyUnread(shownOf("", { path: "/elsewhere" }))).toBe(false);
  for (const other of [null, [], "x", { body: {} }, {}] as Json[]) expect(isBodyUnread(other)).toBe(false);
});

test("an answer is one to the whole body", () => {
  const request = { agent: "a", session: "s", fingerprint: "f", requestedBy: { agent: "a" } };
  const digests = [{}, { a: 1 }, { a: 2 }, null].map((body) =>
    shownDigest({ ...request, call: shownCall({ ...call, body }) }),
  );
  expect(new Set(digests).size).toBe(4);
});
