import { withoutTokens } from "../record/secrets.js";

/** Names under which something secret stands in headers, token requests and configuration. */
export const secretNames = [
  ...["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-countersign-override"],
  ...["password", "passwd", "passphrase", "secret", "client_secret", "api_key", "apiKey", "private_key", "credentials"],
  ...["token", "access_token", "refresh_token", "id_token", "override_token", "subject_token", "actor_token"],
  ...["client_assertion", "bot_token", "signing_secret", "csrf"],
] as const;

/** What every token begins with. */
const beginning = /cs[kt]_|eyJ/;

/**
 * A line of the log, which is JSON, with every token in any of its texts replaced by `[token]`. The texts are looked at, not
 * the line: in the line a token may stand right behind an escape such as `\n`.
 */
export function cleanLine(line: string): string {
  if (!beginning.test(line)) return line;
  try {
    return `${JSON.stringify(JSON.parse(line), (_name, value) => (typeof value === "string" ? withoutTokens(value) : value))}\n`;
  } catch {
    return `${withoutTokens(line.replaceAll(/\\[a-z]/g, "$& "))}`;
  }
}
