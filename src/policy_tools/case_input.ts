import type { Json, Session } from "../call.js";
import { type InputParts, inputDocument } from "../evaluate/input.js";
import { InvalidFile, parseLocated } from "../files/located_yaml.js";
import { readAuthority } from "../host/authority.js";
import { Refusal } from "../refusal.js";
import type { ObservedSession } from "../session.js";
import { callSchema, type WrittenCall } from "./call_schema.js";

/** What a written call lacks, or says twice. `key` is the part of it that is meant. */
export class CallMistake extends Error {
  override readonly name = "CallMistake";
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

type Written<K extends keyof WrittenCall> = WrittenCall[K];

/**
 * The input document of a call that somebody wrote, without what policies ask to be found out. What is not said: method
 * POST, path `/`, destination `https://tool.example`, `nowMs`, a session of which nothing is known; everything else is
 * absent or empty. A session of which anything is said is bound, and new and clean, unless it says otherwise. Throws
 * `CallMistake`.
 */
export function caseInput(written: WrittenCall, nowMs: number): { [name: string]: Json } {
  const agent = agentOf(written.agent);
  const unmatched = written.unmatched === true;
  const { http } = written;
  return inputDocument({
    identity: {
      agent,
      credentialHeader: "authorization",
      facts: written.facts ?? {},
    },
    call: {
      tool: nameOf("tool", written.tool, unmatched),
      action: nameOf("action", written.action, unmatched),
      environment: written.environment ?? null,
      service: written.service ?? null,
      images: imagesOf(written),
      params: written.params ?? {},
      destination: destinationOf(written.destination),
      http: {
        method: http?.method ?? "POST",
        path: http?.path ?? "/",
        query: said(http?.query).map(([name, value]) => ({ raw: name, name, value })),
        headers: said(http?.headers).map(([name, value]) => ({ name: name.toLowerCase(), value })),
      },
    },
    ...sessionOf(written, agent.id),
    override: approvalOf(written.approval),
    nowMs: timeOf(written.time) ?? nowMs,
  });
}

/** Reads one written call, YAML or JSON, as `caseInput` does. Throws `InvalidFile`. */
export function readCall(file: string, text: string, nowMs: number): { [name: string]: Json } {
  const located = parseLocated(file, text, callSchema);
  try {
    return caseInput(located.value, nowMs);
  } catch (error) {
    if (!(error instanceof CallMistake)) throw error;
    throw new InvalidFile([located.problem([error.key], error.message)]);
  }
}

function agentOf(agent: Written<"agent">) {
  const { id, model, scopes, roles } = typeof agent === "string" ? { id: agent } : { ...agent };
  if (typeof id !== "string") throw new CallMistake("agent", "say which agent calls");
  return { id, ...(typeof model === "string" && { model }), scopes: scopes ?? [], roles: roles ?? [] };
}

function nameOf(key: "tool" | "action", name: string | null | undefined, unmatched: boolean): string | null {
  if (unmatched && typeof name === "string") throw new CallMistake(key, `an unmatched call has no ${key}`);
  if (!unmatched && typeof name !== "string") throw new CallMistake(key, `say which ${key}, or unmatched: true`);
  return name ?? null;
}

function imagesOf({ image, images }: WrittenCall): string[] {
  if (image != null && images != null) throw new CallMistake("images", "name either `image` or `images`");
  return image == null ? (images ?? []) : [image];
}

function destinationOf(destination: Written<"destination">) {
  const { host, port, scheme } = typeof destination === "string" ? { host: destination } : { ...destination };
  const protocol = scheme ?? "https";
  try {
    const read = readAuthority(host ?? "tool.example", protocol);
    return { host: read.host, port: port ?? read.port, scheme: protocol };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new CallMistake("destination", error.detail);
  }
}

function said(map: { [name: string]: string | null } | null | undefined): [string, string][] {
  return Object.entries(map ?? {}).filter((entry): entry is [string, string] => entry[1] !== null);
}

/** What is known of a session that somebody wrote about. Of one that is not spoken of, nothing. */
function sessionOf({ session, attestation }: WrittenCall, agent: string): Pick<InputParts, "session" | "observed"> {
  if (session == null && attestation == null) return { session: { id: `open:${agent}`, bound: false }, observed: null };
  const known = present(session ?? {});
  const attested = present(attestation ?? {});
  const { id, bound, role, clearance, workflow_run_id, initiated_by, ...history } = known;
  const who = present({ workflow_run_id, initiated_by, role, clearance });
  const named: Session = { id: id ?? attested.session_id ?? "session-1", bound: bound ?? true, ...who };
  const observed: ObservedSession = { ...untouched, ...history };
  return {
    session: named,
    observed: {
      session: observed,
      attestation: {
        agent_id: agent,
        session_id: named.id,
        ...who,
        data_classification: observed.data_classification,
        anomalies_detected: observed.anomalies > 0,
        session_integrity: observed.integrity,
        ...attested,
      },
    },
  };
}

/** A session in which nothing has happened yet. */
const untouched: ObservedSession = {
  data_classification: [],
  integrity: "clean",
  anomalies: 0,
  tools: [],
  calls: 0,
  passed: 0,
  refused: 0,
};

function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const said = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(said) as { [K in keyof T]?: NonNullable<T[K]> };
}

function approvalOf(approval: Written<"approval">): { approvalId: string } | null {
  if (approval == null || approval === false) return null;
  return { approvalId: approval === true ? "apr_1" : approval.id };
}

function timeOf(time: Written<"time">): number | null {
  if (time == null) return null;
  return typeof time === "string" ? Date.parse(time) : time.unix_ms;
}
