import { quote } from "../json/quote.js";
import { Refusal } from "../refusal.js";
import type { Description } from "./description.js";
import { variablesOf } from "./path_template.js";
import type { Offered, Reference, Template } from "./template.js";
import { fieldNames, type Tool } from "./tool.js";

/**
 * Refuses what policies would judge without seeing: a parameter that the entry reads nowhere, or an entry that takes
 * something from a path, which a request always has and a description has not. Rules about a parameter pass when there
 * is none, so neither may count as absent. Throws `malformed_parameter`, `body_unexpected`.
 */
export function refuseUnseen(tool: Tool, { params }: Description, offered: Offered): void {
  const given = Object.keys(params);
  if (!tool.takesBody && given.length > 0) throw new Refusal("body_unexpected", "this tool takes no parameters");
  const judged = judgedOf(tool).flatMap(placeholdersOf);

  const stated = [tool.action, ...(tool.environment ? [tool.environment] : [])].flatMap(placeholdersOf);
  const read = [...judged, ...stated].filter(({ source }) => source === "body").map(({ names }) => names[0]);
  const readsAll = tool.params.kind === "everything" || read.includes(undefined);
  const unread = readsAll ? undefined : given.find((name) => !read.includes(name));
  if (unread !== undefined) {
    throw new Refusal(
      "malformed_parameter",
      `parameter ${quote(unread)} is none that the catalogue reads for the tool`,
    );
  }

  const fromPath = judged.filter(({ source }) => source === "path").map(({ names }) => names[0]);
  const takesAll = tool.params.kind === "everything" || fromPath.includes(undefined);
  const wanted = takesAll ? variablesOf(tool.path) : fromPath;
  const lacking = wanted.find((name) => name !== undefined && !Object.hasOwn(offered.path, name));
  if (lacking !== undefined) {
    const detail = `the tool takes ${quote(lacking)} from its path, which a described call has not`;
    throw new Refusal("malformed_parameter", `${detail}; the catalogue needs an entry with protocol check`);
  }
}

/** What gives an entry's parameters and fields. */
function judgedOf({ params, fields }: Tool): Template[] {
  const named = params.kind === "named" ? params.templates.map(([, template]) => template) : [];
  const whole = params.kind === "object" ? [params.template] : [];
  return [...named, ...whole, ...fieldNames.flatMap((name) => (typeof fields[name] === "string" ? [] : fields[name]))];
}

function placeholdersOf(template: Template): Reference[] {
  switch (template.kind) {
    case "constant":
      return [];
    case "reference":
      return [template.reference];
    case "text":
      return template.parts.filter((part) => typeof part !== "string");
  }
}
