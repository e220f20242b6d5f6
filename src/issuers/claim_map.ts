import { createHash } from "node:crypto";
import type { Json } from "../call.js";
import type { AgentIssuer, Claim, PeopleIssuer, TrustedIssuer } from "../config/trusted.js";
import { quote } from "../json/quote.js";
import { Refusal } from "../refusal.js";
import type { Task } from "../session.js";
import type { Grant, PersonClaim } from "./issuers.js";
import { type Claims, present, readable, taskTexts } from "./values.js";

/**
 * What a verified token makes its bearer by an entry of `identity.trusted`. A claim that the entry names has to be there
 * and of the right form: left out, a call could pass that the claim would have stopped. Throws `Refusal` with
 * `token_condition` that says which claim.
 */
export function grantOf(entry: AgentIssuer, said: Claims, subject: Grant["subject"]): Grant {
  const claims = sourceOf(entry, said);
  const { session_id, workflow_run_id, initiated_by, role, clearance, agent_model, facts = {} } = entry.claims;
  return present({
    agent: entry.agent,
    scopes: entry.scopes,
    session: present({
      id: session_id && sessionIdOf(entry, idAt(claims, session_id)),
      workflow_run_id: workflow_run_id && idAt(claims, workflow_run_id),
      initiated_by: initiated_by && idAt(claims, initiated_by),
      role: role && textAt(claims, role),
      clearance: clearance && textAt(claims, clearance),
      task: entry.task && taskOf(entry.task, claims),
    }),
    agent_model: agent_model && textAt(claims, agent_model),
    facts: Object.fromEntries(Object.entries(facts).map(([name, claim]) => [name, valueAt(claims, claim)])),
    subject,
  });
}

/** Verified claims, and how far an address among them is believed. */
interface Source {
  claims: Claims;
  unverifiedEmail: boolean;
}

function sourceOf({ unverified_email: unverifiedEmail = false }: TrustedIssuer, claims: Claims): Source {
  return { claims, unverifiedEmail };
}

/** Whom a verified token names. Throws as `grantOf` does. */
export function personOf(entry: PeopleIssuer, claims: Claims, subject: Grant["subject"]): PersonClaim {
  return present({ name: textAt(sourceOf(entry, claims), entry.person), aliases: entry.aliases, subject });
}

/** Hashed, since the value is whatever the issuer says, and an id stands in keys, headers and addresses. */
function sessionIdOf({ issuer, agent }: AgentIssuer, value: string): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([issuer, agent, value]))
    .digest();
  return `ses_${hash.subarray(0, 16).toString("base64url")}`;
}

function taskOf(task: NonNullable<AgentIssuer["task"]>, claims: Source): Task {
  const part = (from: (typeof task)["service"]): readonly string[] | undefined =>
    from === undefined || Array.isArray(from) ? from : textsAt(claims, from.claim);
  return present({ service: part(task.service), environment: part(task.environment), image: part(task.image) });
}

function textsAt(claims: Source, claim: Claim): string[] {
  const value = valueAt(claims, claim);
  const texts = taskTexts.safeParse(typeof value === "string" ? [value] : value);
  if (!texts.success) throw refused(claim, "is not a text or a list of texts");
  return texts.data;
}

/** Numbers of runs and users are numbers with some issuers and texts with others. */
function idAt(claims: Source, claim: Claim): string {
  const value = valueAt(claims, claim);
  return textOf(Number.isSafeInteger(value) ? String(value) : value, claim);
}

function textAt(claims: Source, claim: Claim): string {
  return textOf(valueAt(claims, claim), claim);
}

function textOf(value: Json, claim: Claim): string {
  const text = readable.safeParse(value);
  if (!text.success) throw refused(claim, "is not a text that can be shown");
  return text.data;
}

function valueAt({ claims, unverifiedEmail }: Source, claim: Claim): Json {
  const path = typeof claim === "string" ? [claim] : claim;
  let parent: Claims = {};
  let value: Json | Claims = claims;
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) {
      throw refused(claim, "is missing");
    }
    parent = value as Claims;
    value = parent[name] ?? null;
  }
  if (path.at(-1) === "email") checkEmail(parent, { claim, unverifiedEmail });
  return value as Json;
}

/**
 * Anybody can write somebody else's address into a profile (OpenID Connect Core 1.0 section 5.7). Some issuers never say
 * that they verified one; none that says it did not is believed.
 */
function checkEmail(parent: Claims, { claim, unverifiedEmail }: { claim: Claim; unverifiedEmail: boolean }): void {
  if (Object.hasOwn(parent, "email_verified")) {
    if (parent.email_verified !== true) throw refused(claim, "is not verified");
  } else if (!unverifiedEmail) {
    throw refused(claim, "comes without email_verified, and the entry has no `unverified_email: true`");
  }
}

function refused(claim: Claim, problem: string): Refusal {
  const name = typeof claim === "string" ? claim : claim.join(".");
  return new Refusal("token_condition", `the token's claim ${quote(name)} ${problem}`);
}
