import { type Check, forEntries } from "../check.js";

/** `min_x` above `max_x`: no value of the parameter satisfies both. */
export const crossedBounds: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source }, file, told) => {
      // Entries of one name apply together.
      const all = file.entries
        .filter((entry) => entry.source.name === source.name)
        .flatMap((entry) => entry.source.bounds);
      return source.bounds
        .filter(({ kind }) => kind === "min")
        .flatMap(({ key, param, value }) => {
          const max = all.find((other) => other.kind === "max" && other.param === param && other.value < value);
          return max ? [told([key], `${key} ${value} is above ${max.key} ${max.value}: no value satisfies both`)] : [];
        });
    }),
};
