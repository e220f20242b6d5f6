import { isOmitted, type RecordedEvaluation } from "../audit/form.js";
import { holdsMasked } from "../audit/masked.js";
import type { Json } from "../call.js";
import { type ProgramView, readAnswer } from "../evaluate/answer.js";
import type { Engine } from "../evaluate/engine.js";
import { isCredential } from "../evaluate/input.js";
import { localTime } from "../evaluate/local_time.js";
import type { AgentDocument, Needs } from "../policies/document.js";
import type { PolicySet } from "../policies/policy_set.js";
import type { RegoPool } from "../rego/pool.js";
import { doubtsOf, type HiddenFrom } from "./hidden.js";
import { notAskedOf } from "./not_asked.js";
import { detectorsIn } from "./reads.js";
import { seesSession } from "./sees_session.js";

/** The policies to try, and what they run on. */
export interface Candidate {
  policies: PolicySet;
  engine: Engine;
  /** `null` where the policies have no Rego of the user's. */
  rego: RegoPool | null;
}

/** What one view of the policies says of a recorded call, or why that cannot be told. */
export type Reading = { view: Judged } | { undecidable: string[] };

/** As much of a view as is compared. */
export type Judged = Pick<ProgramView, "verdict" | "reason" | "violations" | "sanitize" | "redact">;

export interface Rejudged {
  /** As if every rule were enforced. */
  computed: Reading;
  /** Without the rules in shadow. */
  enforced: Reading;
}

type Input = { [name: string]: Json };

/** What every input has, so that none of it can be missing by nature. */
const always = ["agent", "images", "params", "destination", "http", "facts", "session", "time"];

/** What decides which rules are asked at all. */
const selecting = ["action", "destination"];

/** Judges a recorded call anew. What was masked or not looked for cannot be judged, unless the call is denied anyway. */
export async function rejudge(recorded: RecordedEvaluation, candidate: Candidate): Promise<Rejudged> {
  const { input } = recorded;
  if (isOmitted(input)) return undecidable(["the input was too large for the record"]);
  const missing = missingFrom(input);
  if (missing.length > 0) return undecidable(missing.map((name) => `the record has no ${name}`));
  const masked = selecting.filter((name) => holdsMasked(input[name]));
  if (masked.length > 0) return undecidable(masked.map((name) => `${name} is masked`));

  const { id, document } = candidate.policies.documentOf(String(Object(input.agent).id));
  const detectors = searchedFor(recorded, document.needs, candidate.policies);
  const complete = await completed(input, { detectors, needs: document.needs, candidate });
  const known = { ...complete, http: withCredentials(complete.http, "") };
  const notAsked = notAskedOf(candidate.engine, id, document, complete);
  const regoSeesSession = seesSession(candidate.policies.rego);
  const { hidden, rest } = doubtsOf(document, { input: known, detectors, notAsked, regoSeesSession });
  const whole = judge(candidate.engine, id, document, complete);
  if (hidden.length === 0) return { computed: { view: whole.computed }, enforced: { view: whole.enforced } };
  const sure = judge(candidate.engine, id, rest, complete);
  return {
    computed: reading(whole.computed, sure.computed, hidden),
    enforced: reading(
      whole.enforced,
      sure.enforced,
      hidden.filter(({ mode }) => mode === "enforce"),
    ),
  };
}

function reading(whole: Judged, sure: Judged, hidden: readonly HiddenFrom[]): Reading {
  if (hidden.length === 0) return { view: whole };
  if (sure.verdict === "deny") return { view: sure };
  return { undecidable: [...new Set(hidden.map(({ why }) => why))].sort() };
}

function undecidable(why: string[]): Rejudged {
  return { computed: { undecidable: why }, enforced: { undecidable: why } };
}

/** As the server decides, where a failure of the program is a denial unless nothing at all is enforced. */
function judge(
  engine: Engine,
  id: string,
  document: AgentDocument,
  input: Input,
): { computed: Judged; enforced: Judged } {
  try {
    const { decision, enforced } = readAnswer(engine.run(id, document, input));
    return { computed: decision, enforced };
  } catch {
    return { computed: failed, enforced: document.failure_mode === "shadow" ? passed : failed };
  }
}

const nothing = { violations: [], sanitize: [], redact: [] };
const failed: Judged = { verdict: "deny", reason: "evaluation_failed", ...nothing };
const passed: Judged = { verdict: "allow", reason: "allowed", ...nothing };

/** The input as these policies would have had it, as far as a record allows. */
async function completed(
  recorded: Input,
  { detectors, needs, candidate }: { detectors: ReadonlySet<string>; needs: Needs; candidate: Candidate },
): Promise<Input> {
  const { dlp, rego: _, ...rest } = recorded;
  const unixMs = Number(Object(recorded.time).unix_ms);
  const zones = Object.fromEntries(needs.zones.map((zone) => [zone, { ...localTime(zone, unixMs) }]));
  const input: Input = {
    ...rest,
    http: withCredentials(recorded.http, "[credential]"),
    time: { unix_ms: unixMs, ...(needs.zones.length > 0 && { zones }) },
  };
  const searched = detectorsIn(needs).filter((name) => detectors.has(name));
  if (searched.length > 0)
    input.dlp = { detectors: searched, complete: Object(dlp).complete === true, hits: hitsIn(dlp, new Set(searched)) };
  if (needs.rego.length > 0) {
    const { policies, rego } = candidate;
    if (policies.rego === null || rego === null) throw new Error("a policy asks for Rego, and there is none");
    const agent = String(Object(recorded.agent).id);
    input.rego = { ...(await rego.evaluate(policies.rego, needs.rego, input, agent)) } as Input;
  }
  return input;
}

/** A credential's value never reaches a policy, so what the record masks there was `[credential]` at the time. */
function withCredentials(http: Json | undefined, shown: string): Json {
  const { headers, ...rest } = Object(http) as Input;
  const known = Object.entries(Object(headers) as Input).map(([name, value]): [string, Json] => [
    name,
    isCredential(name, { credentialHeader: "" }) ? shown : value,
  ]);
  return { ...rest, headers: Object.fromEntries(known) };
}

function hitsIn(dlp: Json | undefined, detectors: ReadonlySet<string>): Json[] {
  const { hits } = Object(dlp) as Input;
  return Array.isArray(hits) ? hits.filter((hit) => detectors.has(String(Object(hit).detector))) : [];
}

/**
 * Detectors of which the record says what they found. Of one of the user's own it does not tell the pattern, so only
 * that of the same policies is known to be the same.
 */
function searchedFor({ policy_version, input }: RecordedEvaluation, needs: Needs, policies: PolicySet): Set<string> {
  const { detectors, hits } = Object(Object(input).dlp) as Input;
  if (!Array.isArray(detectors) || !Array.isArray(hits)) return new Set();
  const own = new Set(policy_version === policies.version ? [] : needs.patterns.map(({ name }) => name));
  return new Set(detectors.map(String).filter((name) => !own.has(name)));
}

function missingFrom(input: Input): string[] {
  const missing = always.filter((name) => !Object.hasOwn(input, name));
  if (missing.length > 0) return missing;
  return [
    ...(typeof Object(input.agent).id === "string" ? [] : ["agent.id"]),
    ...(typeof Object(input.time).unix_ms === "number" ? [] : ["time.unix_ms"]),
  ];
}
