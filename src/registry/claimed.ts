import { foldCase } from "./people_file.js";
import type { Person, Registry } from "./registry.js";

/** A member's id in Slack as Slack writes it: capitals and digits. */
const slackId = /^[UW](?=[A-Z]*\d)[A-Z0-9]{6,}$/;

/**
 * Who is named by a claim of another issuer's token. In `aliases` stand names of several systems side by side, and in most
 * of them people choose their log-in: one that reads like somebody's id in Slack is no alias, or they could pass for them.
 */
export function personClaimed(
  registry: Pick<Registry, "personNamed">,
  name: string,
  names: "id" | "any",
): Person | undefined {
  const person = registry.personNamed(name, names);
  // As it is listed, not as it is claimed: names are compared without regard to case.
  const alias = person?.aliases.find((one) => foldCase(one) === foldCase(name));
  return alias !== undefined && slackId.test(alias) ? registry.personNamed(name, "id") : person;
}
