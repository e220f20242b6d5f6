import { foldCase } from "../../../json/fold.js";
import type { Check } from "../check.js";
import { parametersOf } from "../parameters.js";

/** Parameters that differ only in case: to a rule about one of them the other is a way around it, and breaks it. */
export const paramCase: Check = {
  level: "warning",
  find: ({ files }) =>
    files.flatMap(({ entries, source }) => {
      const spoken = entries.flatMap(({ source: entry, at }) =>
        parametersOf(entry).map(([param, path]) => ({ param, action: entry.name, path: [...at, ...path] })),
      );
      return spoken.flatMap(({ param, action, path }, index) => {
        const other = spoken.slice(0, index).find((earlier) => {
          const together = [earlier.action, "*"].includes(action) || earlier.action === "*";
          return together && earlier.param !== param && foldCase(earlier.param) === foldCase(param);
        });
        if (!other) return [];
        return [
          source.problem(
            path,
            `${other.param} and ${param} differ only in case, so a call that has one breaks the rules of the other`,
          ),
        ];
      });
    }),
};
