import { Webhook } from "standardwebhooks";
import type { Config } from "../config/schema.js";
import type { Runtime } from "../runtime.js";
import type { ApprovalNotice, Notice } from "./notice.js";
import type { Notifier } from "./notifier.js";
import { post } from "./post.js";
import { secretLines } from "./secret_file.js";

/** Bytes of a secret (Standard Webhooks specification, "Signature scheme"). */
const secretBytes = { least: 24, most: 64 };
/** While secrets change, messages are signed with the new and the old one. */
const mostSecrets = 4;

/** Posts every notice to one address, signed after the Standard Webhooks specification. Throws as `secretsOf` does. */
export async function openWebhook(
  config: Config["approvals"]["webhook"],
  runtime: Pick<Runtime, "now">,
): Promise<Notifier | null> {
  if (config === undefined) return null;
  const signers = secretsOf(config.secret_file, await secretLines(config.secret_file));
  return {
    name: "webhook",
    async send(notice, { id, signal }) {
      const nowMs = runtime.now();
      const at = new Date(nowMs);
      const body = JSON.stringify(eventOf(notice, at.toISOString()));
      const headers = {
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(nowMs / 1000)),
        "webhook-signature": signers.map((signer) => signer.sign(id, at, body)).join(" "),
      };
      await post({ url: config.url, body, headers, signal, nowMs });
    },
  };
}

/** What is posted. `timestamp` is when it happened, as far as that is known. */
export function eventOf(notice: Notice, now: string): { type: string; timestamp: string; data: object } {
  switch (notice.kind) {
    case "budget.warning":
    case "counters.lost": {
      const { kind: type, at: timestamp, ...data } = notice;
      return { type, timestamp, data };
    }
    case "approval.opened":
    case "approval.escalated":
    case "approval.closed": {
      const { kind: type, approval, risk, url } = notice;
      return { type, timestamp: timeOf(notice) ?? now, data: { approval, risk, url } };
    }
    default:
      return notice satisfies never;
  }
}

function timeOf({ kind, approval }: ApprovalNotice): string | undefined {
  if (kind === "approval.opened") return approval.created_at;
  if (kind === "approval.escalated") return approval.escalation?.at;
  const { status, decisions, expires_at } = approval;
  if (status === "expired") return expires_at;
  return status === "consumed" ? undefined : decisions.at(-1)?.at;
}

/** Throws an `Error` for the operator, which does not quote them. */
function secretsOf(file: string, lines: readonly string[]): Webhook[] {
  const { least, most } = secretBytes;
  const form = `write whsec_<base64 of ${least} to ${most} random bytes>`;
  if (lines.length === 0) throw new Error(`${file}: is empty; ${form}`);
  if (lines.length > mostSecrets) throw new Error(`${file}: at most ${mostSecrets} secrets, one per line`);
  return lines.map((line) => {
    const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(line)?.[1];
    const key = encoded === undefined ? null : Buffer.from(encoded, "base64");
    if (encoded === undefined || key?.toString("base64") !== encoded) throw new Error(`${file}: ${form}`);
    if (key.length < least || key.length > most) throw new Error(`${file}: a secret of ${key.length} bytes; ${form}`);
    return new Webhook(line);
  });
}
