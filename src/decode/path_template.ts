import { nothing, TemplateMistake } from "./template.js";

/** One segment of a path template: text that must be equal, or a variable that takes one non-empty segment. */
export type SegmentTemplate = { kind: "literal"; text: string } | { kind: "variable"; name: string };

export type PathTemplate = readonly SegmentTemplate[];

const variable = /^\{([A-Za-z_][A-Za-z0-9_-]*)\}$/;
/** Literals stand decoded in the catalogue, and must be something a canonical path can decode to. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const impossible = /[{}%\\;?#\u0000-\u001f\u007f-\u009f]/;

/** Reads `/v1/{action}`. Throws `TemplateMistake`. */
export function parsePathTemplate(text: string): PathTemplate {
  if (!text.startsWith("/")) throw new TemplateMistake("must begin with /");
  const parts = text.slice(1).split("/");
  if (parts.slice(0, -1).includes("")) throw new TemplateMistake("has an empty segment");
  const segments = parts.map(parseSegment);
  const names = variablesOf(segments);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new TemplateMistake(`has the variable {${repeated}} twice`);
  return segments;
}

/** Names of the variables, in order. */
export function variablesOf(template: PathTemplate): string[] {
  return template.flatMap((segment) => (segment.kind === "variable" ? [segment.name] : []));
}

/** The variables' values, or `null` when the decoded segments do not match. */
export function matchPath(
  template: PathTemplate,
  segments: readonly string[],
): Readonly<Record<string, string>> | null {
  if (template.length !== segments.length) return null;
  let variables = 0;
  for (let i = 0; i < template.length; i++) {
    const part = template[i] as SegmentTemplate;
    if (part.kind === "literal" ? part.text !== segments[i] : segments[i] === "") return null;
    if (part.kind === "variable") variables += 1;
  }
  if (variables === 0) return nothing;
  const found: Record<string, string> = {};
  // No variable is named __proto__.
  for (let i = 0; i < template.length; i++) {
    const part = template[i] as SegmentTemplate;
    if (part.kind === "variable") found[part.name] = segments[i] ?? "";
  }
  return found;
}

/** True when one path can match both. */
export function pathsOverlap(a: PathTemplate, b: PathTemplate): boolean {
  return a.length === b.length && a.every((segment, index) => segmentsOverlap(segment, b[index]));
}

function segmentsOverlap(a: SegmentTemplate, b: SegmentTemplate | undefined): boolean {
  if (b === undefined) return false;
  if (a.kind === "literal") return b.kind === "literal" ? a.text === b.text : a.text !== "";
  return b.kind === "variable" || b.text !== "";
}

function parseSegment(text: string): SegmentTemplate {
  const name = variable.exec(text)?.[1];
  if (name === "__proto__") throw new TemplateMistake("has a variable name that is not permitted");
  if (name !== undefined) return { kind: "variable", name };
  if (/[{}]/.test(text)) throw new TemplateMistake("a variable must be a whole segment, as in /v1/{action}");
  if (impossible.test(text) || text === "." || text === "..") {
    throw new TemplateMistake("has a segment that no canonical path has; write segments decoded, without % \\ ; ? #");
  }
  return { kind: "literal", text };
}
