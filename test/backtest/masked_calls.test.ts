import { isHidden } from "../../src/backtest/place.js";
import { type Reading, rejudge } from "../../src/backtest/rejudge.js";
import type { Json } from "../../src/call.js";
import { readAnswer } from "../../src/evaluate/answer.js";
import { createEngine } from "../../src/evaluate/engine.js";
import { localTime } from "../../src/evaluate/local_time.js";
import { assemblePolicySet } from "../../src/policies/policy_set.js";
import { program } from "../audit/decisions.js";
import { sampleCases } from "../rego/cases.js";

type Input = { [name: string]: Json };

/** As every real input is, apart from what the case is about. */
const whole = {
  images: [],
  params: {},
  destination: { host: "deploy.internal", port: 443, scheme: "https" },
  facts: {},
  session: { id: "s", bound: true },
};
const http = { path: "/", headers: {}, query: {} };
const unixMs = 1_772_366_400_000;

/** Masks every second parameter, or every second member of one that is a map. */
function masked(params: Json | undefined, turn: number): Json {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return params ?? null;
  const entries = Object.entries(params).map(([name, value], i): [string, Json] => {
    if ((i + turn) % 2 === 0) return [name, "[secret]"];
    return [name, typeof value === "object" ? masked(value, turn + 1) : value];
  });
  return Object.fromEntries(entries);
}

test("what is decided of a masked call is what was decided of the call itself", async () => {
  const engine = createEngine(program);
  const tally = { whole: 0, masked: 0, undecidable: 0 };
  for (const [turn, { policies, input }] of sampleCases(3_000, 20_260_301).entries()) {
    const agent = Object((input as Input).agent).id;
    if (typeof agent !== "string") continue;
    const set = assemblePolicySet({ files: [], documents: new Map(Object.entries(policies)), rego: null }, program);
    const { id, document } = set.documentOf(agent);
    if (document.needs.rego.length > 0) continue;

    const zones = Object.fromEntries(document.needs.zones.map((zone) => [zone, { ...localTime(zone, unixMs) }]));
    const asked: Input = { ...whole, ...(input as Input), http, time: { unix_ms: unixMs, zones } };
    const real = readAnswer(engine.run(id, document, asked));
    const record = { ...asked, params: masked(asked.params, turn) };
    const evaluation = { decision: real.decision, enforced: real.enforced };
    const again = await rejudge(
      { policy_version: set.version, input: record, result: evaluation },
      { policies: set, engine, rego: null },
    );
    const params = isHidden(record, { path: ["params"], of: "value" });
    for (const view of ["computed", "enforced"] as const) {
      const reading: Reading = again[view];
      const wanted = view === "computed" ? real.decision : real.enforced;
      if ("view" in reading) {
        expect({ record, verdict: reading.view.verdict }).toEqual({ record, verdict: wanted.verdict });
        tally[params ? "masked" : "whole"] += 1;
      } else {
        tally.undecidable += 1;
      }
    }
  }
  expect(Math.min(...Object.values(tally))).toBeGreaterThan(100);
});
