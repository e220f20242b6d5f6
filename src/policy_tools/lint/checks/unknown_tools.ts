import type { Path } from "../../../files/located_yaml.js";
import type { Check } from "../check.js";

/** A tool that the catalogue does not have, in `tools` or in `limits`: what is said of it never applies. */
export const unknownTools: Check = {
  level: "warning",
  find({ files, catalogue }) {
    if (!catalogue) return [];
    const known = new Set(catalogue.tools.map(({ name }) => name));
    return files.flatMap(({ source }) => {
      const { tools = [], limits } = source.value;
      const named: [string, Path][] = [
        ...tools.map((tool, index): [string, Path] => [tool, ["tools", index]]),
        ...Object.keys(limits?.tools ?? {}).map((tool): [string, Path] => [tool, ["limits", "tools", tool]]),
      ];
      return named
        .filter(([tool]) => !known.has(tool))
        .map(([tool, place]) => source.problem(place, `the catalogue has no tool ${tool}`));
    });
  },
};
