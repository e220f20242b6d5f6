import { parseHostPattern } from "../host/pattern.js";
import { toMicro } from "../money.js";
import { Refusal } from "../refusal.js";
import type { ToolEntry } from "./catalogue_schema.js";
import { parsePathTemplate, variablesOf } from "./path_template.js";
import { parseTemplate, type Template, TemplateMistake } from "./template.js";
import { type FieldName, type FieldRule, fieldNames, type ParamsRule, type Tool } from "./tool.js";

type Path = readonly PropertyKey[];
/** Told of each mistake, with its place inside the entry. */
export type Report = (path: Path, message: string) => void;
type Read = (at: Path, value: string | number | boolean) => Template;

/** Turns an entry into something to match requests with. What it returns after a report must not be used. */
export function compileTool(entry: ToolEntry, report: Report): Tool {
  const hosts = entry.match.hosts.flatMap((host, index) => {
    const pattern = attempt(() => parseHostPattern(host), ["match", "hosts", index], report);
    return pattern ? [pattern] : [];
  });
  const path = attempt(() => parsePathTemplate(entry.match.path), ["match", "path"], report);
  const scope = { variables: path ? variablesOf(path) : null, hasBody: entry.body === undefined };
  const template: Read = (at, value) => {
    const constant: Template = { kind: "constant", value };
    if (typeof value !== "string") return constant;
    return attempt(() => parseTemplate(value, scope), at, report) ?? constant;
  };
  if (entry.protocol === "mcp") report(["protocol"], "mcp is not supported by this version");
  return {
    name: entry.name,
    hosts,
    methods: entry.match.methods ? new Set(entry.match.methods) : null,
    path: path ?? [],
    action: textTemplate(template, ["action"], entry.action, report),
    environment: entry.environment ? textTemplate(template, ["environment"], entry.environment, report) : null,
    takesBody: scope.hasBody,
    params: compileParams(entry, template, report),
    numbers: compileNumbers(entry, report),
    fields: compileFields(entry, template, report),
    classification: entry.classification,
    costMicro: compileCost(entry, report),
  };
}

function attempt<T>(work: () => T, at: Path, report: Report): T | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TemplateMistake || error instanceof Refusal)) throw error;
    report(at, error.message);
    return null;
  }
}

/** A template for one value, not for a whole part of the request. */
function textTemplate(template: Read, at: Path, value: string | number, report: Report): Template {
  const compiled = template(at, value);
  if (takesObject(compiled)) report(at, "must name one field, not everything");
  return compiled;
}

function takesObject(template: Template): boolean {
  return template.kind === "reference" && template.reference.names.length === 0;
}

function compileParams({ params }: ToolEntry, template: Read, report: Report): ParamsRule {
  if (params === undefined) return { kind: "everything" };
  if (typeof params !== "string") {
    const named = Object.entries(params).map(([name, value]) => [name, template(["params", name], value)] as const);
    return { kind: "named", templates: named };
  }
  const object = template(["params"], params);
  if (object.kind !== "reference" || (object.reference.source !== "body" && !takesObject(object))) {
    report(["params"], 'must be one placeholder that stands for an object, such as "{body}", or a map');
  }
  return { kind: "object", template: object };
}

function compileNumbers({ params, numbers }: ToolEntry, report: Report): readonly string[] {
  if (typeof params !== "object") return numbers;
  for (const [index, name] of numbers.entries()) {
    if (!Object.hasOwn(params, name)) report(["numbers", index], `params has no ${name}`);
  }
  return numbers;
}

function compileFields(entry: ToolEntry, template: Read, report: Report): Record<FieldName, FieldRule> {
  const rule = (name: FieldName): FieldRule => {
    const written = entry[name];
    if (written === undefined) return "parameter";
    if (written === null) return "none";
    return Array.isArray(written)
      ? written.map((value, index) => textTemplate(template, [name, index], value, report))
      : [textTemplate(template, [name], written, report)];
  };
  return Object.fromEntries(fieldNames.map((name) => [name, rule(name)])) as Record<FieldName, FieldRule>;
}

function compileCost({ cost }: ToolEntry, report: Report): number {
  const units = toMicro(cost);
  if (units === null) report(["cost"], "must be at least 0, with at most six decimals");
  return units ?? 0;
}
