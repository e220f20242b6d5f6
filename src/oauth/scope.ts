import { coverage, meetScopes, scopesOf } from "../identify/scopes.js";
import { quote } from "../json/quote.js";
import { OAuthError } from "./error.js";

/** RFC 6749 section 3.3 has neither `"` nor `\` in a scope. */
const scopeForm = /^[!#-9;-[\]-~]+:[!#-[\]-~]+$/;

/**
 * What a token may do: what is asked for (separated by spaces), or else everything that is registered and within `bound`,
 * the scopes of the entry that the token comes by. Throws `OAuthError` `invalid_scope` that names the first scope outside.
 */
export function grantedScopes(
  agent: { id: string; scopes: readonly string[] },
  bound: readonly string[] | undefined,
  asked: string | undefined,
): string[] {
  const most = bound === undefined ? [...agent.scopes] : meetScopes(agent.scopes, bound);
  if (asked === undefined) {
    if (bound !== undefined && most.length === 0) {
      throw new OAuthError("invalid_scope", "the agent is registered for nothing that tokens of this issuer permit");
    }
    return most;
  }
  const scopes = [...new Set(scopesOf(asked))];
  if (scopes.length === 0) throw new OAuthError("invalid_scope", "scope lists nothing; leave it out to get everything");
  const covers = coverage(most);
  const useless = scopes.find((scope) => !scopeForm.test(scope) || !covers(scope));
  if (useless === undefined) return scopes;
  throw new OAuthError("invalid_scope", `${quote(useless)} is outside ${limit(bound)}: ${shown(most)}`);
}

function limit(bound: readonly string[] | undefined): string {
  return bound === undefined ? "what the agent is registered for" : "what the agent gets by tokens of this issuer";
}

function shown(scopes: readonly string[]): string {
  const text = scopes.join(" ") || "nothing";
  return text.length > 512 ? `${text.slice(0, 512)}...` : text;
}
