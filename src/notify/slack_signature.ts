import { createHmac, timingSafeEqual } from "node:crypto";
import type { Header } from "../call.js";

/** How far Slack's clock may be from ours, to either side: 5 minutes. */
export const toleranceMs = 300_000;
/** A request is remembered for as long as it would be taken, and a minute more. */
export const replayMs = 2 * toleranceMs + 60_000;

/** What Slack says of a request beside its body. */
export interface SlackSignature {
  /** As it is written: seconds since the epoch. */
  timestamp: string;
  /** `v0=<hex>`. */
  signature: string;
}

/** `null` unless each header is there once, in its one form, and the time is now. Costs nothing, so it comes first. */
export function signatureOf(headers: readonly Header[], nowMs: number): SlackSignature | null {
  const timestamp = only(headers, "x-slack-request-timestamp", /^[1-9]\d{0,11}$/);
  const signature = only(headers, "x-slack-signature", /^v0=[0-9a-f]{64}$/);
  if (timestamp === null || signature === null) return null;
  return Math.abs(nowMs - Number(timestamp) * 1000) <= toleranceMs ? { timestamp, signature } : null;
}

/** True when it is signed with the app's secret (docs.slack.dev, "Verifying requests from Slack"). */
export function isSigned(secret: string, { timestamp, signature }: SlackSignature, body: Uint8Array): boolean {
  const wanted = createHmac("sha256", secret).update(`v0:${timestamp}:`).update(body).digest("hex");
  return timingSafeEqual(Buffer.from(`v0=${wanted}`), Buffer.from(signature));
}

function only(headers: readonly Header[], name: string, form: RegExp): string | null {
  const [first, ...others] = headers.filter((header) => header.name === name);
  return first && others.length === 0 && form.test(first.value) ? first.value : null;
}
