import { isPrivate } from "../config/fetchable.js";
import type { Config } from "../config/schema.js";
import type { Runtime } from "../runtime.js";
import type { Notice } from "./notice.js";
import type { Notifier } from "./notifier.js";
import { post } from "./post.js";
import { secretLines } from "./secret_file.js";
import { type CardMessage, messageOf } from "./teams_card.js";

interface TeamsDeps {
  runtime: Pick<Runtime, "now">;
  /** Address for a person that opens one approval for so long. */
  openingLink(approvalId: string, ttlMs: number): Promise<string>;
}

/** Posts Adaptive Cards to the webhook of a Teams workflow. Throws an `Error` for the operator about its file. */
export async function openTeams(config: Config["approvals"]["teams"], deps: TeamsDeps): Promise<Notifier | null> {
  if (config === undefined) return null;
  const url = urlOf(config.webhook_url_file, await secretLines(config.webhook_url_file));
  return {
    name: "teams",
    async send(notice, { signal }) {
      const body = JSON.stringify(await cardFor(notice, config.link_ttl, deps));
      await post({ url, body, signal, nowMs: deps.runtime.now() });
    },
  };
}

/** Who is to answer gets a link that opens the approval; the others the plain one. */
async function cardFor(notice: Notice, linkTtlMs: number, { openingLink }: TeamsDeps): Promise<CardMessage> {
  if (!("approval" in notice)) return messageOf(notice, null);
  const isOpen = notice.kind !== "approval.closed";
  return messageOf(notice, isOpen ? await openingLink(notice.approval.id, linkTtlMs) : notice.url);
}

/** Throws an `Error` for the operator, which does not quote it: whoever knows the address can post. */
function urlOf(file: string, [url, ...more]: readonly string[]): string {
  if (url === undefined || more.length > 0)
    throw new Error(`${file}: write one line, the URL of the workflow's webhook`);
  if (!isPrivate(url)) throw new Error(`${file}: write an https:// URL without user and fragment`);
  return url;
}
