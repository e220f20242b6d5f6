import fc from "fast-check";
import { endingOf } from "../../src/outcomes/ending.js";
import { entryOf } from "../grpc/access_log_stream.js";
import { protos } from "../grpc/harness.js";

const id = "01J9ZQ3V6C5R8N2K4M7P0T1S6Y";
const answered = (status: number) => ({ response: { response_code: { value: status } } });
const silent = { common: { time_to_first_upstream_rx_byte: null } };
const flagged = (flags: object) => ({ common: { ...silent.common, response_flags: flags } });

test("a call that was answered", () => {
  const told = { enforced: "allow", agent_id: "deploy-manager", tool: "deploy-api", action: "deploy" };
  expect(endingOf(entryOf(id, {}, told))).toEqual({
    decision_id: id,
    request_id: "d4c2b7a0-0d5e-9a31-8f0c-1d7a5b6c7d8e",
    outcome: "succeeded",
    status: 200,
    flags: [],
    duration_us: 1_002_346,
    upstream: "127.0.0.1:8080",
    told: { agent_id: "deploy-manager", tool: "deploy-api", action: "deploy" },
  });
});

test.each<[string, Parameters<typeof entryOf>[1], object]>([
  ["a redirect", answered(302), { outcome: "succeeded", status: 302 }],
  ["a refusal of the tool", answered(400), { outcome: "failed", status: 400 }],
  ["a failure of the tool", answered(500), { outcome: "failed", status: 500 }],
  ["an answer of Envoy's own", { ...silent, ...answered(503) }, { outcome: "unreached", status: null }],
  ["no answer at all", { ...silent, response: {} }, { outcome: "unreached", status: null }],
  [
    "a timeout",
    { ...flagged({ upstream_request_timeout: true }), ...answered(504) },
    { outcome: "unreached", status: null, flags: ["UT"] },
  ],
  [
    "an answer that was cut",
    { common: { response_flags: { upstream_connection_termination: true } } },
    { outcome: "failed", status: 200, flags: ["UC"] },
  ],
  [
    "an answer whose reader went away",
    { common: { response_flags: { downstream_connection_termination: true } } },
    { outcome: "succeeded", status: 200, flags: ["DC"] },
  ],
  [
    "without the last byte, the whole duration counts",
    { common: { time_to_last_downstream_tx_byte: null, duration: { seconds: 2, nanos: 0 } } },
    { duration_us: 2_000_000 },
  ],
  ["a negative duration", { common: { time_to_last_downstream_tx_byte: { seconds: -1 } } }, { duration_us: null }],
  [
    "a duration beyond all numbers",
    { common: { time_to_last_downstream_tx_byte: { seconds: "9223372036854775807" } } },
    { duration_us: null },
  ],
  ["no upstream", { common: { upstream_remote_address: null } }, { upstream: null }],
  [
    "an upstream of IPv6",
    { common: { upstream_remote_address: { socket_address: { address: "::1", port_value: 80 } } } },
    { upstream: "[::1]:80" },
  ],
  [
    "an upstream on a Unix socket",
    { common: { upstream_remote_address: { pipe: { path: "/run/tool.sock" } } } },
    { upstream: "/run/tool.sock" },
  ],
  ["a request id that is no UUID", { request: { request_id: "Bearer abc" } }, { request_id: null }],
  ["no request id", { request: {} }, { request_id: null }],
])("%s", (_, change, wanted) => {
  expect(endingOf(entryOf(id, change))).toMatchObject(wanted);
});

test("a call that was sanitized has an outcome too", () => {
  expect(endingOf(entryOf(id, {}, { enforced: "sanitize" }))).toMatchObject({ decision_id: id });
});

test.each<[string, Parameters<typeof entryOf>[1], Record<string, string>]>([
  ["a denied call", {}, { enforced: "deny" }],
  ["a call that waits for people", {}, { enforced: "approval_needed" }],
  ["a call whose verdict is not told", {}, { decision: "allow" }],
  ["a call whose verdict is unknown", {}, { enforced: "constructor" }],
  ["what an authorizer refused", flagged({ unauthorized_details: { reason: 1 } }), { enforced: "allow" }],
  ["a call that nobody was asked about", { common: { metadata: null } }, {}],
  ["a word of the agent's own filter", { common: { metadata: { filter_metadata: { other: {} } } } }, {}],
  ["a call that is under way", { common: { intermediate_log_entry: true } }, { enforced: "allow" }],
  ["the beginning of a call", { common: { access_log_type: "DownstreamStart" } }, { enforced: "allow" }],
  ["a try of an upstream", { common: { access_log_type: "UpstreamEnd" } }, { enforced: "allow" }],
  ["a type of tomorrow", { common: { access_log_type: 99 } }, { enforced: "allow" }],
])("%s has no outcome", (_, change, told) => {
  expect(endingOf(entryOf(id, change, told))).toBeNull();
});

test("an entry without anything in it is none", () => {
  expect(endingOf(protos.accessLog.decodeEntry(Buffer.alloc(0)))).toBeNull();
});

test.each(["", "x", `${id}0`, id.toLowerCase(), "8".repeat(26), `${id.slice(0, 25)}\n`])(
  "a decision that cannot be ours is malformed: %j",
  (strange) => {
    expect(endingOf(entryOf(strange))).toBe("malformed");
  },
);

test.each([1, 99, 600, 4_294_967_295])("so is the status %s", (status) => {
  expect(endingOf(entryOf(id, answered(status)))).toBe("malformed");
});

test("what others say of themselves is bounded and can be shown", () => {
  const told = { enforced: "allow", agent_id: `\u202e${"a".repeat(1_000)}`, tool: "a\nb", action: "" };
  const ending = endingOf(entryOf(id, {}, told));
  if (ending === null || ending === "malformed") throw new Error("no ending");
  expect(ending.told.agent_id?.length).toBeLessThan(300);
  expect(ending.told).toMatchObject({
    agent_id: expect.stringMatching(/^\\u\{202e\}a/),
    tool: "a\\u{a}b",
    action: null,
  });
});

test("a name of every object is no member of the metadata", () => {
  expect(endingOf(entryOf("", {}, { enforced: "allow", tool: "t" }))).toBe("malformed");
  expect(endingOf(entryOf(id, {}, JSON.parse('{"enforced": "allow", "__proto__": "x"}')))).toMatchObject({
    told: { agent_id: null, tool: null, action: null },
  });
});

test("whatever bytes decode, reading them ends in one of three ways", () => {
  const whole = protos.accessLog.encodeEntry(entryOf(id));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
      const bytes = Buffer.from(whole);
      bytes[at] = value;
      let entry: ReturnType<typeof entryOf>;
      try {
        entry = protos.accessLog.decodeEntry(bytes);
      } catch {
        return;
      }
      const ending = endingOf(entry);
      if (ending === null || ending === "malformed") return;
      expect(JSON.parse(JSON.stringify(ending))).toEqual(ending);
      expect(Buffer.byteLength(JSON.stringify(ending))).toBeLessThan(10_000);
    }),
    { numRuns: 5_000, interruptAfterTimeLimit: 3_000, markInterruptAsFailure: false },
  );
});
