import { z } from "zod";
import { durationField as duration } from "../files/duration_field.js";
import { isPrivate } from "./fetchable.js";
import type { TrustedIssuer } from "./trusted.js";

/** Of a file. */
const path = z.string("write a path").min(1, "write a path");

const privateUrl = z
  .string()
  .refine(isPrivate, "write an https:// URL without user and fragment (http:// only on this host)");

const oidc = z.strictObject({
  issuer: privateUrl.describe("`iss` of an entry of `identity.trusted` with `for: people`"),
  client_id: z.string().min(1).describe("the entry's `audience`"),
  client_secret_file: path.optional().describe("file with the client's secret; without it the client is public (PKCE)"),
  scopes: z.array(z.string().min(1)).default(["openid", "email"]).describe("scopes to ask for"),
});

/**
 * Why nobody could sign in so: what the provider says is believed by an entry of `identity.trusted` alone. `null` when there is
 * one.
 */
export function oidcMistake(
  { issuer, client_id }: z.output<typeof oidc>,
  trusted: readonly TrustedIssuer[],
): { key: "issuer" | "client_id"; message: string } | null {
  const entries = trusted.filter((one) => one.for === "people" && one.issuer === issuer);
  if (entries.length === 0) {
    return { key: "issuer", message: "not trusted for people: add an entry to `identity.trusted` with `for: people`" };
  }
  if (entries.some(({ audience }) => audience === client_id)) return null;
  const message = "no entry of `identity.trusted` for this issuer and people has it as its `audience`";
  return { key: "client_id", message };
}

/** The page `/approvals`. */
export const page = z.strictObject({
  session_ttl: duration("1m", "30d").prefault("8h").describe("how long somebody stays signed in"),
  oidc: oidc.optional().describe("sign-in by OpenID Connect, beside approver tokens"),
});

export const slack = z.strictObject({
  channel: z
    .string()
    .regex(/^[CG][A-Z0-9]{2,30}$/, "write the id of the channel, such as C0123456789; its name would change")
    .describe("id of the channel: C0123456789"),
  bot_token_file: path.describe("file with the bot's token (xoxb-...)"),
  signing_secret_file: path.describe("file with the app's signing secret"),
  team_id: z
    .string()
    .regex(/^[TE][A-Z0-9]{2,30}$/, "write the id of the workspace, such as T0123456789")
    .optional()
    .describe("id of the workspace: T0123456789; answers from others are refused"),
  api_url: privateUrl.default("https://slack.com/api/").describe("base URL of the Slack API"),
});

export const teams = z.strictObject({
  webhook_url_file: path.describe("file with the URL of the Workflows webhook, which is a secret"),
  link_ttl: duration("1m", "1d").prefault("15m").describe("how long the link to the approval opens it without sign-in"),
});

export const webhook = z.strictObject({
  url: privateUrl.describe("where events are posted"),
  secret_file: path.describe("file with the secret of Standard Webhooks: whsec_<base64>"),
});
