import { SignJWT } from "jose";
import type { Json } from "../../src/call.js";
import { canonicalJson } from "../../src/canonical.js";
import { parseDuration } from "../../src/duration.js";
import { agentTokenType } from "../../src/identify/claims.js";
import type { AgentRequest } from "../pipeline/envoy.js";
import { issuer, keys } from "../pipeline/world.js";
import type { CallCase } from "./format.js";

/** The request that a case's call stands for; `override` is the token of the approval it names. */
export async function requestOf(
  call: CallCase,
  context: { id: string; nowMs: number; override: string | null },
): Promise<AgentRequest> {
  const { content, type } = bodyOf(call);
  const own = new Map(Object.entries(call.headers ?? {}).map(([name, value]) => [name, [value].flat()]));
  const given = (name: string, value: string | null): [string, string][] =>
    value === null || own.has(name) ? [] : [[name, value]];
  return {
    id: call.request_id ?? context.id,
    method: call.method ?? (content === null ? "GET" : "POST"),
    scheme: call.scheme ?? "https",
    host: call.host ?? "",
    path: call.path ?? "",
    headers: [
      ...(call.agent === undefined && call.token === undefined
        ? []
        : [["authorization", `Bearer ${await tokenOf(call, context.nowMs)}`] as const]),
      ...(call.api_key === undefined ? [] : [["x-api-key", call.api_key] as const]),
      ...given("content-type", type),
      ...given("content-length", content === null ? null : String(content.length)),
      ...(context.override === null ? [] : [["x-countersign-override", context.override] as const]),
      ...(call.attestation === undefined
        ? []
        : [["x-session-attestation", attestationOf(call, context.nowMs)] as const]),
      ...(call.partial_body ? [["x-envoy-auth-partial-body", "true"] as const] : []),
      ...[...own].flatMap(([name, values]) => values.map((value) => [name, value] as const)),
    ],
    body: content ?? new Uint8Array(),
    ...(call.principal !== undefined && { principal: call.principal }),
  };
}

/** JSON with an HMAC, under the key of the observer obs-1 or under one that nobody knows. */
function attestationOf({ agent, token, attestation = {} }: CallCase, nowMs: number): string {
  const said: { [name: string]: Json } = {
    kid: "obs-1",
    agent_id: agent ?? "",
    session_id: token?.claims?.session_id ?? `open:${agent}`,
    data_classification: [],
    anomalies_detected: false,
    session_integrity: "clean",
    signed_at: new Date(nowMs - ms(attestation.age ?? "0s")).toISOString(),
    ...attestation.claims,
  };
  const { without = [] } = attestation;
  const payload = Object.fromEntries(Object.entries(said).filter(([name]) => !without.includes(name)));
  const key = attestation.key === "other" ? keys.audit : keys.observer;
  const mac = Buffer.from(key.sign(Buffer.from(canonicalJson(payload)))).toString("hex");
  return Buffer.from(JSON.stringify({ ...payload, signature: `hmac-sha256:${mac.slice(0, 64)}` })).toString(
    "base64url",
  );
}

function bodyOf({ json, form, text, base64 }: CallCase): { content: Uint8Array | null; type: string | null } {
  if ([json, form, text, base64].filter((kind) => kind !== undefined).length > 1) {
    throw new Error("a call has at most one of json, form, text and base64");
  }
  if (json !== undefined) return { content: Buffer.from(JSON.stringify(json)), type: "application/json" };
  if (form !== undefined) {
    const content = Buffer.from(String(new URLSearchParams(form)));
    return { content, type: "application/x-www-form-urlencoded" };
  }
  if (text !== undefined) return { content: Buffer.from(text), type: null };
  return { content: base64 === undefined ? null : Buffer.from(base64, "base64"), type: null };
}

async function tokenOf({ agent, token = {} }: CallCase, nowMs: number): Promise<string> {
  const iat = Math.floor((nowMs - ms(token.age ?? "0s")) / 1000);
  const claims = {
    iss: issuer.url,
    aud: issuer.audience,
    sub: agent,
    iat,
    exp: iat + ms(token.lifetime ?? "15m") / 1000,
    jti: "token-1",
    scope: "*:*",
    ...token.claims,
  };
  const key = token.key === "other" ? keys.stranger : keys.issuer;
  const { without = [] } = token;
  return new SignJWT(Object.fromEntries(Object.entries(claims).filter(([name]) => !without.includes(name))))
    .setProtectedHeader({ alg: key.alg, typ: token.type ?? agentTokenType, kid: keys.issuer.kid })
    .sign(key.signKey);
}

/** Milliseconds of a duration that the schema let through. */
export function ms(duration: string): number {
  const parsed = parseDuration(duration);
  if (parsed === null) throw new Error(`${duration} is no duration`);
  return parsed;
}
