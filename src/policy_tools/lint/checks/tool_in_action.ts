import type { Template } from "../../../decode/template.js";
import { foldCase } from "../../../json/fold.js";
import { type Check, members } from "../check.js";
import { actionsOf, toolsOf } from "../tools.js";

/** `deny_actions` with an action as scopes name it, `tool:action`: it is no action's name, so nothing is refused. */
export const toolInAction: Check = {
  level: "warning",
  find: (context) =>
    context.files.flatMap((file) => {
      const tools = toolsOf(file, context);
      // `unknown-action` tells of what is not there where the catalogue says all actions.
      if (!tools || actionsOf(file, context)) return [];
      return members("deny_actions", file.source.value.deny_actions).flatMap(([name, path]) => {
        const tool = tools.find((one) => foldCase(name).startsWith(`${foldCase(one.name)}:`));
        if (!tool || tools.some(({ action }) => canBegin(action, `${tool.name}:`))) return [];
        const action = name.slice(tool.name.length + 1) || "*";
        return [
          file.source.problem(path, `${name} begins with the name of a tool; actions are named without it: ${action}`),
        ];
      });
    }),
};

/** True when actions may begin so. A whole segment of a path is not taken for one that does. */
function canBegin(template: Template, prefix: string): boolean {
  if (template.kind === "reference") return template.reference.source !== "path";
  const first = template.kind === "text" ? template.parts[0] : String(template.value);
  if (typeof first !== "string") return first?.source !== "path";
  const [begins, wanted] = [foldCase(first), foldCase(prefix)];
  return begins.startsWith(wanted) || (template.kind === "text" && wanted.startsWith(begins));
}
