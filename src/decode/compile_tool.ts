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
  const matched = entry.protocol === "check" ? compileDescribed(entry, report) : compileMatch(entry, report);
  const { path, variables } = matched;
  const scope = { variables, hasQuery: matched.protocol === "http", hasBody: entry.body === undefined };
  const template: Read = (at, value) => {
    const constant: Template = { kind: "constant", value };
    if (typeof value !== "string") return constant;
    return attempt(() => parseTemplate(value, scope), at, report) ?? constant;
  };
  return {
    name: entry.name,
    protocol: matched.protocol,
    hosts: matched.hosts,
    methods: matched.methods,
    path,
    action: compileAction(entry, template, report),
    environment: compileEnvironment(entry, template, report),
    takesBody: scope.hasBody,
    params: compileParams(entry, template, report),
    numbers: compileNumbers(entry, report),
    fields: compileFields(entry, template, report),
    classification: entry.classification,
    costMicro: compileCost(entry, report),
  };
}

/** What requests an entry is for, and the path variables that its placeholders may name. */
type Matched = Pick<Tool, "protocol" | "hosts" | "methods" | "path"> & { variables: readonly string[] | null };

function compileMatch({ match, protocol }: ToolEntry, report: Report): Matched {
  if (protocol === "mcp") report(["protocol"], "mcp is not supported by this version");
  if (!match) {
    report(["match"], "missing: expected a map");
    return { protocol: "http", hosts: [], methods: null, path: [], variables: null };
  }
  const hosts = match.hosts.flatMap((host, index) => {
    const pattern = attempt(() => parseHostPattern(host), ["match", "hosts", index], report);
    return pattern ? [pattern] : [];
  });
  const path = attempt(() => parsePathTemplate(match.path), ["match", "path"], report);
  const methods = match.methods ? new Set(match.methods) : null;
  return { protocol: "http", hosts, methods, path: path ?? [], variables: path ? variablesOf(path) : null };
}

/** A described call states its action and environment, which stand where those of a request stand: in a path. */
const statedPath = parsePathTemplate("/{action}/{environment}");
const statedAction: Template = { kind: "reference", reference: { source: "path", names: ["action"] } };
/** Of entries that leave the environment to the call, which may state none. */
export const statedEnvironment: Template = { kind: "reference", reference: { source: "path", names: ["environment"] } };

const allParams: ParamsRule = {
  kind: "object",
  template: { kind: "reference", reference: { source: "body", names: [] } },
};
const noParams: ParamsRule = { kind: "named", templates: [] };

/** Whether it is stated at all is up to the call, so no placeholder of an entry may name the environment. */
function compileDescribed({ match }: ToolEntry, report: Report): Matched {
  if (match) report(["match"], "an entry with protocol check matches no request: leave it out");
  return { protocol: "check", hosts: [], methods: null, path: statedPath, variables: ["action"] };
}

function compileAction({ protocol, action }: ToolEntry, template: Read, report: Report): Template {
  if (action !== undefined) return textTemplate(template, ["action"], action, report);
  if (protocol !== "check") report(["action"], "missing: expected a text");
  return statedAction;
}

function compileEnvironment({ protocol, environment }: ToolEntry, template: Read, report: Report): Template | null {
  if (environment === undefined && protocol === "check") return statedEnvironment;
  return environment ? textTemplate(template, ["environment"], environment, report) : null;
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

function compileParams({ protocol, params, body }: ToolEntry, template: Read, report: Report): ParamsRule {
  if (params === undefined && protocol === "check") return body === "none" ? noParams : allParams;
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
