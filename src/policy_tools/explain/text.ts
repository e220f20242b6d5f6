import { bounded } from "../../bounded.js";
import type { Atom, Operand } from "../../policies/condition/flat.js";
import { vocabulary } from "../../policies/condition/vocabulary.js";
import type { Mode } from "../../verdict.js";
import { outcomeOf } from "../cases/outcome.js";
import type { ExplainedCondition, ExplainedEntry, ExplainedFile, ExplainedRule, Explanation } from "./explain.js";

/** An explanation for people: the verdict first, then every rule that was looked at. */
export function explanationText({ policyVersion, ownPolicies, judgement, files, others }: Explanation): string {
  return [
    ...verdictLines(judgement),
    `policies ${policyVersion}`,
    ...(ownPolicies ? [] : ['no file names this agent: those for "*" apply, and guardrails']),
    ...changeLines(judgement),
    ...files.flatMap((file) => ["", ...fileLines(file)]),
    ...(others.length > 0 ? ["", "does not apply:", ...others.map(({ file, why }) => `  ${file}: ${why}`)] : []),
  ].join("\n");
}

function verdictLines({ computed, enforced, input }: Explanation["judgement"]): string[] {
  const { agent, tool, action } = input as { agent: { id: string }; tool?: string; action?: string };
  const call = `${agent.id}, ${tool === undefined ? "no tool of the catalogue" : `${tool}, action ${action}`}`;
  const shadow =
    computed.verdict === enforced.verdict && computed.reason === enforced.reason
      ? []
      : [`enforced: ${enforced.verdict} (${enforced.reason}), since the rest is in shadow`];
  const broken = computed.violations.map(({ rule, message }) => `  ${rule}: ${message}`);
  return [`${computed.verdict} (${computed.reason}) for ${call}`, ...broken, ...shadow];
}

function changeLines(judgement: Explanation["judgement"]): string[] {
  const { sanitize, tags, cost, terms } = outcomeOf(judgement);
  const changes = (["headers", "query"] as const).flatMap((place) => {
    const { set = {}, remove = [] } = sanitize[place] ?? {};
    return [
      ...Object.entries(set).map(([name, value]) => `  sets ${place}.${name} to ${shown(value)}`),
      ...remove.map((name) => `  removes ${place}.${name}`),
    ];
  });
  const asks = judgement.computed.verdict === "approval_needed" || judgement.computed.redeems;
  return [
    ...(changes.length > 0 ? ["changes of the call:", ...changes] : []),
    ...(tags.length > 0 ? [`tags: ${tags.join(", ")}`] : []),
    ...(judgement.costs.length > 0 ? [`cost: ${cost}`] : []),
    ...(asks ? [`approval: ${shown(terms)}`] : []),
  ];
}

function fileLines({ file, grants, deny_actions: deny, egress, entries, otherActions }: ExplainedFile): string[] {
  return [
    `${file}${grants ? "" : " (guardrail)"}`,
    ...(deny ? [ruleLine(!deny.denied, "deny_actions", deny.mode, deny.names.join(", "))] : []),
    ...(egress ? [ruleLine(egress.reachable, "egress", egress.mode, egress.allow.join(", "))] : []),
    ...entries.flatMap(entryLines),
    ...(otherActions.length > 0 ? [`  other actions: ${otherActions.join(", ")}`] : []),
  ];
}

function entryLines({ name, rules, conditions }: ExplainedEntry): string[] {
  const lines = [...rules.flatMap(ruleLines), ...conditions.flatMap(conditionLines)];
  return [`  action ${name}${lines.length === 0 ? ": no rules" : ""}`, ...lines.map((line) => `  ${line}`)];
}

function ruleLines(rule: ExplainedRule): string[] {
  return [lineOf(rule), ...(rule.when ? whenLines(rule.when) : [])];
}

const applies = {
  true: "so it is asked",
  false: "so it is not asked",
  error: "cannot be told, so it is asked",
} as const;

function whenLines({ source, truth, atoms }: NonNullable<ExplainedRule["when"]>): string[] {
  return [
    `    when ${oneLine(source)}: ${truth === "error" ? "" : `${truth}, `}${applies[truth]}`,
    ...atoms.map(atomLine),
  ];
}

function lineOf(rule: ExplainedRule): string {
  const { satisfied, mode, message, approvable, limit, actual } = rule;
  const facts = [
    ...(limit === undefined ? [] : [`limit ${shown(limit)}`]),
    ...(actual === undefined ? [] : [`actual ${actual === null ? "none" : shown(actual)}`]),
  ];
  const broken = `${message}${approvable ? " (people may approve it)" : ""}`;
  return ruleLine(satisfied, nameOf(rule), mode, satisfied ? facts.join(", ") : broken);
}

/** Of keys with several rules below them, the one that is meant. */
function nameOf({ rule, kind, param, limit }: ExplainedRule): string {
  if (rule === "params" && param !== undefined) return `params.${param}`;
  return kind.startsWith("dlp_") ? `dlp.${limit}` : rule;
}

function ruleLine(holds: boolean, rule: string, mode: Mode, rest: string): string {
  const name = mode === "shadow" ? `${rule} (shadow)` : rule;
  return `  ${holds ? "holds " : "broken"} ${name}${rest === "" ? "" : `: ${rest}`}`;
}

const outcomes = { true: "asks for approval", false: "does not ask", error: "cannot be told" } as const;

function conditionLines({ source, mode, truth, atoms }: ExplainedCondition): string[] {
  const name = mode === "shadow" ? "approval_needed (shadow)" : "approval_needed";
  return [`  ${truth.padEnd(6)} ${name}: ${oneLine(source)}: ${outcomes[truth]}`, ...atoms.map(atomLine)];
}

function atomLine({ atom, value, values }: ExplainedCondition["atoms"][number]): string {
  return `    ${String(value).padEnd(6)} ${atomText(atom, values)}`;
}

function oneLine(source: string): string {
  return source.trim().replace(/\s+/g, " ");
}

function atomText(atom: Atom, values: { left?: unknown; right?: unknown }): string {
  if (atom.op === "has") return `has(${operandText(atom.left)}.${atom.field})`;
  const sides: [Operand, unknown][] = [
    [atom.left, values.left],
    ...(atom.op === "is" ? [] : [[atom.right, values.right] as [Operand, unknown]]),
  ];
  const text = sides.map(([operand]) => operandText(operand)).join(` ${atom.op} `);
  const known = sides
    .filter(([operand]) => "path" in operand)
    .map(([operand, value]) => `${operandText(operand)} is ${value === undefined ? "missing" : shown(value)}`);
  return known.length === 0 ? text : `${text}, where ${known.join(" and ")}`;
}

/** As a condition names it, not as the input document does. */
function operandText(operand: Operand): string {
  if (!("path" in operand)) return shown(operand.value);
  const { path, size } = operand;
  const name = Object.entries(vocabulary).find(([, known]) => known.path[0] === path[0])?.[0] ?? path[0];
  const text = [name, ...path.slice(1)].join(".");
  return size ? `size(${text})` : text;
}

function shown(value: unknown): string {
  return JSON.stringify(bounded(value));
}
