import type { Problem } from "../../../files/located_yaml.js";
import { type Check, forEntries } from "../check.js";

/** A list of what is permitted with nothing in it: the rule is always broken. */
export const emptyLists: Check = {
  level: "warning",
  find: (context) => [
    ...context.files.flatMap(({ source }): Problem[] => {
      const { egress } = source.value;
      return egress?.value.allow.length === 0
        ? [source.problem(["egress"], "an empty list permits no host at all")]
        : [];
    }),
    ...forEntries(context, ({ source }, _, told) =>
      (["allowed_environments", "allowed_images"] as const)
        .filter((key) => source[key]?.value.length === 0)
        .map((key) => told([key], "an empty list permits nothing, so every call breaks it")),
    ),
  ],
};
