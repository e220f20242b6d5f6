import type { Check } from "../check.js";

/** `tools` with a name that the catalogue does not have: the file never applies to it. */
export const unknownTools: Check = {
  level: "warning",
  find({ files, catalogue }) {
    if (!catalogue) return [];
    const known = new Set(catalogue.tools.map(({ name }) => name));
    return files.flatMap(({ source }) =>
      (source.value.tools ?? []).flatMap((tool, index) =>
        known.has(tool) ? [] : [source.problem(["tools", index], `the catalogue has no tool ${tool}`)],
      ),
    );
  },
};
