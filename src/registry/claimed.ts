import type { Person, Registry } from "./registry.js";

/** A member's id in Slack, in whatever case: names are compared without it. */
const slackId = /^[UWuw][A-Za-z0-9]{6,}$/;

/**
 * Who is named by a claim of another issuer's token. In `aliases` stand names of several systems side by side, and in most
 * of them people choose their log-in: one that reads like somebody's id in Slack is no alias, or they could pass for them.
 */
export function personClaimed(
  registry: Pick<Registry, "personNamed">,
  name: string,
  names: "id" | "any",
): Person | undefined {
  return registry.personNamed(name, slackId.test(name) ? "id" : names);
}
