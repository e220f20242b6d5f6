import { foldCase } from "../../../json/fold.js";
import { type Check, judgeTogether } from "../check.js";
import { actionsOf } from "../tools.js";

/** Entries for the same agent whose actions differ only in case: each is for its own spelling and not for the other. */
export const actionCase: Check = {
  level: "warning",
  find: (context) => {
    const entries = context.files.flatMap((file) =>
      file.entries.map(({ source, at }) => ({ name: source.name, at, file })),
    );
    return entries.flatMap(({ name, at, file }, index) => {
      const other = entries.slice(0, index).find((earlier) => {
        const alike = earlier.name !== name && foldCase(earlier.name) === foldCase(name);
        return alike && judgeTogether(earlier.file, file);
      });
      if (!other) return [];
      const known = actionsOf(file, context);
      if (known?.includes(name) && known.includes(other.name)) return [];
      const message = `${other.name} of ${other.file.source.file} and ${name} differ only in case, and are two actions`;
      return [file.source.problem([...at, "name"], message)];
    });
  },
};
