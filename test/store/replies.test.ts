import { parseLook, parseSettle } from "../../src/store/redis/replies.js";

const kept = ["0", "ok", "", "", "", "rate_exceeded", "rate", "12", "", "opened", "id", "5", "9", ""];
const counters = ["1", "2", "", "20778", "3", "4", "5", "6", ""];
const warning = ["daily_budget", "enforce", "80", "0", "8", "10"];
const session = [
  ...["started_ms", "1", "last_ms", "2", "calls", "3", "passed", "2", "refused", "1", "anomalies", "1"],
  ...[
    "known",
    '{"role":"x"}',
    "recent",
    '[["2","scope_exceeded","a:b"]]',
    "c:pii",
    "1",
    "t:web",
    "1",
    "i:denied_burst",
    "1",
  ],
  ...["outside_ms", "1", "outside_integrity", "1", "outside_anomalies", "0"],
];
const once = ["0", "7", counters, warning, session, false];

type Told = readonly unknown[];
const reply = (one: Told = kept, other: Told = once) => [JSON.stringify(one), JSON.stringify(other)];
const parse = (said: unknown) => parseSettle(said, "ses");
const put = (list: Told, at: number, value: unknown) => list.map((one, i) => (i === at ? value : one));
const withSession = (name: string, value: string) => put(session, session.indexOf(name) + 1, value);

test("what the script says is read", () => {
  expect(parse(reply())).toEqual({
    replayed: false,
    session: expect.objectContaining({
      calls: 3,
      known: { role: "x" },
      tools: ["web"],
      indicators: { denied_burst: 1 },
    }),
    own: expect.objectContaining({
      classification: ["pii"],
      outside: { seenMs: 1, integrity: "suspect", anomalies: false },
    }),
    nowMs: 7,
    enforced: { outcome: "ok" },
    shadow: { outcome: "rate_exceeded", limit: "rate", retryAfterMs: 12 },
    counters: {
      nowMs: 7,
      charges: 1,
      tatUs: 2,
      toolTatUs: null,
      day: 20778,
      spentMicro: 3,
      sessionSpentMicro: 4,
      keptUntilMs: 5,
      sessionKeptUntilMs: 6,
      lostAtMs: null,
    },
    warnings: [{ limit: "daily_budget", mode: "enforce", percent: 80, refused: false, spentMicro: 8, limitMicro: 10 }],
    approval: { outcome: "opened", fresh: true, id: "id", expiresAtMs: 9 },
    createdAtMs: 5,
  });
});

const wrong: readonly unknown[] = [null, 1, "OK", "-1", "1e3", "99999999999999999", [], {}, [[]], true, "x"];

test.each([
  ...wrong.map((value) => [`${JSON.stringify(value)} as a whole`, value]),
  ...wrong.map((value) => [`${JSON.stringify(value)} as what is kept`, [JSON.stringify(value), reply()[1]]]),
  ...wrong.map((value) => [`${JSON.stringify(value)} as what is told once`, [reply()[0], JSON.stringify(value)]]),
  ["no JSON", ["{", reply()[1]]],
  ["a part too few", [reply()[0]]],
  ["a part too many", [...reply(), ""]],
  ["a member too few of what is kept", reply(kept.slice(1))],
  ["a member too many of what is kept", reply([...kept, ""])],
  ["a member too few of what is told once", reply(kept, once.slice(1))],
  ["a member too many of what is told once", reply(kept, [...once, false])],
  ["a counter too few", reply(kept, put(once, 2, counters.slice(1)))],
  ["half of a warning", reply(kept, put(once, 3, warning.slice(1)))],
])("%s cannot be read", (_, said) => {
  expect(() => parse(said)).toThrow();
});

const asNumber = [12, 11, 12];
test.each([
  ...kept.flatMap((_, at) => [null, 1, false, ["x"]].map((value) => ["kept", at, value] as const)),
  ...[0, 1, 5, 9].map((at) => ["kept", at, "what"] as const),
  ...asNumber.map((at) => ["kept", at, "1x"] as const),
])("%s member %i is not %j", (_, at, value) => {
  expect(() => parse(reply(put(kept, at, value)))).toThrow();
});

test.each([
  ...counters.flatMap((_, at) => ["x", "-1", 1, null].map((value) => [at, value] as const)),
  ...[0, 3, 4, 5, 6, 7].map((at) => [at, ""] as const),
])("counter %i is not %j", (at, value) => {
  expect(() => parse(reply(kept, put(once, 2, put(counters, at, value))))).toThrow();
});

test.each([
  ["calls", "many"],
  ["started_ms", ""],
  ["anomalies", "-1"],
  ["known", "[]"],
  ["known", "null"],
  ["known", '{"role":1}'],
  ["known", '{"other":"x"}'],
  ["known", '{"__proto__":"x"}'],
  ["known", "{"],
  ["recent", "{}"],
  ["recent", '[["2","x"]]'],
  ["recent", '[[2,"x","y"]]'],
  ["recent", JSON.stringify(Array.from({ length: 21 }, () => ["2", "x", "y"]))],
  ["i:denied_burst", "x"],
  ["outside_integrity", "3"],
  ["outside_ms", "x"],
  ["outside_anomalies", ""],
])("a session whose %s is %s cannot be read", (name, value) => {
  const said = withSession(name, value);
  expect(() => parse(reply(kept, put(once, 4, said)))).toThrow();
  expect(() => parse(reply(kept, put(once, 5, said)))).toThrow();
  expect(() => parseLook([said, "0", [], []], { id: "", agent: "a", session: "ses" })).toThrow();
});

test.each([
  [["last_ms", "2"]],
  [["started_ms", "1", "last_ms", "2", "i:unheard_of", "1"]],
  [["started_ms", "1", "last_ms", "2", "outside_ms", "1"]],
  [["started_ms", "1", "last_ms", "2", "outside_ms", "1", "outside_integrity", "1"]],
])("a session of %j cannot be read", (fields) => {
  expect(() => parse(reply(kept, put(once, 4, fields)))).toThrow();
});
