import type { Config } from "../config/schema.js";
import { secretLines } from "./secret_file.js";

export type SlackConfig = NonNullable<Config["approvals"]["slack"]>;

/** The bot's token. Throws an `Error` for the operator. */
export function botToken({ bot_token_file: file }: SlackConfig): Promise<string> {
  return secretIn(file, /^(xoxb|xoxe\.xoxb)-[A-Za-z0-9-]{8,512}$/, "the token of a Slack bot (xoxb-...)");
}

/** The app's signing secret. Throws an `Error` for the operator. */
export function signingSecret({ signing_secret_file: file }: SlackConfig): Promise<string> {
  return secretIn(file, /^[0-9A-Za-z]{16,128}$/, "the signing secret of a Slack app");
}

async function secretIn(file: string, form: RegExp, what: string): Promise<string> {
  const [secret = "", ...others] = await secretLines(file);
  // Without what is in it: it may be another secret.
  if (others.length > 0 || !form.test(secret)) throw new Error(`${file}: does not hold ${what}, alone`);
  return secret;
}
