import type { Tool } from "../../../decode/tool.js";
import { type Check, forEntries } from "../check.js";
import { namesOf, offering, sourcesOf, toolsOf } from "../tools.js";

/** `dlp: redact` where tools take their data in bodies, which Envoy's authorization cannot rewrite. */
export const redactInBodies: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ compiled }, file, told) => {
      const tools = offering(toolsOf(file, context) ?? [], compiled.name);
      if (tools.length === 0 || !tools.every(takesAllFromBody)) return [];
      return compiled.rules.flatMap((rule) =>
        rule.kind === "dlp_redact"
          ? [
              told(
                ["dlp", rule.detector],
                `parameters of ${namesOf(tools)} come in the body, where nothing can be redacted: a hit there breaks the rule`,
              ),
            ]
          : [],
      );
    }),
};

function takesAllFromBody({ params }: Tool): boolean {
  if (params.kind === "everything") return false;
  const templates = params.kind === "object" ? [params.template] : params.templates.map(([, template]) => template);
  const sources = templates.flatMap(sourcesOf);
  return sources.length > 0 && sources.every((source) => source === "body");
}
