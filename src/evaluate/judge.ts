import type { Call, Json } from "../call.js";
import { type Scanned, scan } from "../dlp/scan.js";
import type { ApprovalTerms, View } from "../outcome.js";
import type { Needs } from "../policies/document.js";
import type { Applied, PolicySet } from "../policies/policy_set.js";
import type { RegoPool } from "../rego/pool.js";
import type { Violation } from "../verdict.js";
import { allowed } from "./allowed.js";
import { type ProgramView, readAnswer } from "./answer.js";
import { changesOf } from "./changes.js";
import type { CostTerm } from "./cost.js";
import type { Engine } from "./engine.js";
import { localTime } from "./local_time.js";

type InputDocument = { [name: string]: Json };

/** A call as policies are asked about it. */
export interface Asked {
  /** What is known of the call without asking policies; see `inputDocument`. */
  input: InputDocument;
  /** What detectors search, and what a `sanitize` changes. */
  call: Pick<Call, "params" | "fromQuery" | "body"> & {
    destination: Pick<Call["destination"], "host">;
    http: Pick<Call["http"], "query" | "headers" | "path">;
  };
  /** True for headers that no detector sees. */
  isCredential(header: string): boolean;
}

/** Who is asked. */
export interface Judges {
  policies: PolicySet;
  engine: Engine;
  rego: RegoPool;
}

/** One reading of the policies: with every rule, or without the rules in shadow. */
export interface PolicyView extends View {
  /** The call passes only because of the approval it brought, which has to be used up. */
  redeems: boolean;
  /** What people have to decide upon, also where the call brought their approval. */
  asked: readonly Violation[];
  /** Of the approval that the policies demand, also where the call brought it. */
  terms: ApprovalTerms;
}

export interface Judgement {
  /** With all that the policies asked to be found out. */
  input: InputDocument;
  /** What the program answered. */
  result: Json;
  /** As if every rule were enforced. */
  computed: PolicyView;
  /** Without the rules in shadow. */
  enforced: PolicyView;
  /** What each policy wants the call to cost; empty = as the catalogue says. */
  costs: readonly CostTerm[];
  /** What the data in the call is, as far as policies ask for it. */
  tags: readonly string[];
  /** What detectors found; `null` when no policy of the agent asks for any. */
  scanned: Scanned | null;
  applied: Applied;
}

/**
 * What the policies say of a call. Throws for anything but a well-formed answer. There is a promise only where the user's
 * Rego is asked.
 */
export function judge(asked: Asked, judges: Judges): Judgement | Promise<Judgement> {
  const applied = judges.policies.documentOf(agentOf(asked.input));
  const { needs } = applied.document;
  const scanned = search(asked, needs, judges.engine);
  const input = completed(asked, needs, scanned);
  if (needs.rego.length === 0) return judgementOf({ asked, applied, scanned, input }, judges.engine);
  return withRego(input, needs, judges).then((whole) =>
    judgementOf({ asked, applied, scanned, input: whole }, judges.engine),
  );
}

type Found = Pick<Judgement, "input" | "scanned" | "applied"> & { asked: Asked };

function judgementOf({ asked, applied, scanned, input }: Found, engine: Engine): Judgement {
  const result = engine.run(applied.id, applied.document, input);
  if (result === allowed && input.unmatched !== true) {
    return { input, result: allowed, computed: passes, enforced: passes, costs: none, tags: none, scanned, applied };
  }
  const { decision, enforced, tags, costs } = readAnswer(result);
  const computed = viewOf(decision, asked, scanned);
  // Most calls get one answer, which reads the same both ways.
  const acted = enforced === decision ? computed : viewOf(enforced, asked, scanned);
  return { input, result: result as Json, computed, enforced: acted, costs, tags, scanned, applied };
}

const none: readonly never[] = Object.freeze([]);

/** What most calls get, made once for all of them. */
const { redact: _, ...read } = readAnswer(allowed).decision;
const passes: PolicyView = Object.freeze({ ...read, sanitize: none });

function agentOf({ agent }: InputDocument): string {
  const { id } = Object(agent) as { id?: unknown };
  if (typeof id !== "string") throw new TypeError("the input names no agent");
  return id;
}

function search({ call, isCredential }: Asked, { detectors, patterns }: Needs, engine: Engine): Scanned | null {
  if (detectors.length === 0 && patterns.length === 0) return null;
  const headers = call.http.headers.filter(({ name }) => !isCredential(name));
  const fromQuery = new Set(call.fromQuery);
  const { params, destination, http } = call;
  const places = {
    params,
    query: http.query,
    path: http.path,
    host: destination.host,
    headers,
    body: { ...call.body },
  };
  return scan({ ...places, fromQuery, detectors, patterns }, engine.match);
}

/** The input with what these policies ask to be found out, but for the answers of the user's Rego. */
function completed({ input: known, call }: Asked, needs: Needs, scanned: Scanned | null): InputDocument {
  if (!scanned && needs.zones.length === 0) return known;
  const input = { ...known };
  if (scanned) {
    const names = [...needs.detectors, ...needs.patterns.map(({ name }) => name)];
    const complete = scanned.complete && call.body !== null;
    input.dlp = { detectors: names, complete, hits: scanned.hits.map((hit) => ({ ...hit })) };
  }
  if (needs.zones.length > 0) {
    const { unix_ms: nowMs } = Object(known.time) as { unix_ms?: unknown };
    if (typeof nowMs !== "number") throw new TypeError("the input names no time");
    const zones = Object.fromEntries(needs.zones.map((zone) => [zone, { ...localTime(zone, nowMs) }]));
    input.time = { unix_ms: nowMs, zones };
  }
  return input;
}

/** The user's Rego sees everything but its own answers. */
async function withRego(
  input: InputDocument,
  { rego: packages }: Needs,
  { policies, rego }: Judges,
): Promise<InputDocument> {
  if (!policies.rego) throw new Error("a policy asks for Rego, and the policy set has none");
  const answers = await rego.evaluate(policies.rego, packages, input, agentOf(input));
  return { ...input, rego: { ...answers } as InputDocument };
}

function viewOf(read: ProgramView, { input, call }: Asked, scanned: Scanned | null): PolicyView {
  const { verdict, reason, violations, redeems, terms, asked } = read;
  return {
    verdict,
    reason: input.unmatched === true && verdict === "allow" ? "unmatched_passthrough" : reason,
    violations,
    sanitize: changesOf(read, { call, scanned }),
    redeems,
    terms,
    asked,
  };
}
