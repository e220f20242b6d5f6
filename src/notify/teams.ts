import { issueLink } from "../approvals/link.js";
import { isPrivate } from "../config/fetchable.js";
import type { Config } from "../config/schema.js";
import type { SigningKey } from "../keys/keys.js";
import type { Runtime } from "../runtime.js";
import type { Notice } from "./notice.js";
import type { Notifier } from "./notifier.js";
import { post } from "./post.js";
import { secretLines } from "./secret_file.js";
import { messageOf } from "./teams_card.js";

interface TeamsDeps {
  runtime: Pick<Runtime, "now">;
  publicUrl: string;
  /** Signs links. */
  key: SigningKey;
}

/** Posts Adaptive Cards to the webhook of a Teams workflow. Throws an `Error` for the operator about its file. */
export async function openTeams(config: Config["approvals"]["teams"], deps: TeamsDeps): Promise<Notifier | null> {
  if (config === undefined) return null;
  const url = urlOf(config.webhook_url_file, await secretLines(config.webhook_url_file));
  return {
    name: "teams",
    async send(notice, { signal }) {
      const nowMs = deps.runtime.now();
      const body = JSON.stringify(messageOf(notice, linkFor(notice, config.link_ttl, { ...deps, nowMs })));
      await post({ url, body, signal, nowMs });
    },
  };
}

/** Who is to answer gets a link that opens the approval without sign-in, and decides nothing. */
function linkFor(
  notice: Notice,
  ttlMs: number,
  { publicUrl, key, nowMs }: Pick<TeamsDeps, "publicUrl" | "key"> & { nowMs: number },
): string | null {
  if (!("approval" in notice)) return null;
  if (notice.kind === "approval.closed") return notice.url;
  const { id, requested_by, expires_at } = notice.approval;
  const of = { id, agent: requested_by.agent, expiresAtMs: Date.parse(expires_at) };
  return `${publicUrl.replace(/\/+$/, "")}/approvals/open?link=${issueLink(key, of, ttlMs, nowMs)}`;
}

/** Throws an `Error` for the operator, which does not quote it: whoever knows the address can post. */
function urlOf(file: string, [url, ...more]: readonly string[]): string {
  if (url === undefined || more.length > 0)
    throw new Error(`${file}: write one line, the URL of the workflow's webhook`);
  if (!isPrivate(url)) throw new Error(`${file}: write an https:// URL without user and fragment`);
  return url;
}
