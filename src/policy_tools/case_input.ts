import type { Json, Session } from "../call.js";
import { inputDocument } from "../evaluate/input.js";
import { InvalidFile, parseLocated } from "../files/located_yaml.js";
import { readAuthority } from "../host/authority.js";
import { Refusal } from "../refusal.js";
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
 * POST, path `/`, destination `https://tool.example`, `nowMs`, a session of which nothing is proven; everything else is
 * absent or empty. Throws `CallMistake`.
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
    session: sessionOf(written.session, agent.id),
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

/** Nothing that is not said is proven; a session of which anything is said is bound unless it says otherwise. */
function sessionOf(session: Written<"session">, agent: string): Session {
  if (session == null) return { id: `open:${agent}`, bound: false };
  const { id, bound, ...known } = session;
  const proven = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null && value !== undefined));
  return { id: id ?? "session-1", bound: bound ?? true, ...proven };
}

function approvalOf(approval: Written<"approval">): { approvalId: string } | null {
  if (approval == null || approval === false) return null;
  return { approvalId: approval === true ? "apr_1" : approval.id };
}

function timeOf(time: Written<"time">): number | null {
  if (time == null) return null;
  return typeof time === "string" ? Date.parse(time) : time.unix_ms;
}
