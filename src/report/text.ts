import { printable } from "../printable.js";
import type { RuleReport, ShadowReport, ThresholdReport } from "./report.js";
import type { Group } from "./scope.js";

/** The report for people, line by line. What agents chose is shown without characters that could pose as something else. */
export function reportLines(report: ShadowReport): string[] {
  const { first, last, decisions, would_block, blocked } = report;
  const span = first === null ? "" : ` from ${first} to ${last}`;
  return [
    `${decisions} decisions${span}`,
    `${would_block} were let through and would have been blocked; ${blocked} were blocked`,
    ...(report.rules.length > 0 ? ["", ...ruleTable(report.rules)] : []),
    ...report.rules.flatMap(ruleDetails),
    ...(report.thresholds.length > 0 ? ["", "limits:", ...report.thresholds.map(thresholdLine)] : []),
    ...leftOut(report.thresholds_left_out),
    ...(report.agents.length > 0 ? ["", ...agentTable(report.agents)] : []),
    "",
    ...report.torn.map((place) => `${place}: the last line is not finished and does not count`),
    "signatures were not verified: countersign audit verify does that",
  ];
}

function ruleTable(rules: readonly RuleReport[]): string[] {
  return table(
    ["rule", "would block", "of judged", "rate", "blocked", "beside"],
    rules.map((rule) => [
      titleOf(rule),
      String(rule.would_block),
      rule.judged === null ? "too many" : String(rule.judged),
      rule.rate === null ? "" : `${(rule.rate * 100).toFixed(1)} %`,
      String(rule.blocked),
      String(rule.beside),
    ]),
  );
}

function ruleDetails(rule: RuleReport): string[] {
  const { examples, refused } = rule;
  if (examples.length === 0) return [];
  const often = refused.values.map(({ value, count }) => `${printable(value)} (${count})`).join(", ");
  const missed = refused.missed > 0 ? `; counts may be up to ${refused.missed} too low` : "";
  return [
    "",
    `${titleOf(rule)}:`,
    ...examples.map(({ timestamp, decision_id, agent, tool, action, message }) =>
      `  ${timestamp} ${printable(decision_id)} ${name(agent)} ${name(tool)}:${name(action)} ${printable(message)}`.trimEnd(),
    ),
    ...(often === "" ? [] : [`  refused most often: ${often}${missed}`]),
  ];
}

function thresholdLine(threshold: ThresholdReport): string {
  const { limit, suggested, percent, values, masked, absent, not_numbers, digits } = threshold;
  const others = [
    [masked, "masked"],
    [not_numbers, "no number"],
    [absent, "absent"],
  ].flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  const beside = others.length > 0 ? ` (${others.join(", ")})` : "";
  const rounded = digits === null ? "" : `, rounded to ${digits} digits`;
  const found =
    suggested === null ? "no numbers were recorded" : `${suggested} would let ${percent} % of ${values} calls through`;
  return `  ${titleOf(threshold)} is ${limit}; ${found}${beside}${rounded}`;
}

function leftOut(rules: readonly string[]): string[] {
  return rules.length === 0 ? [] : [`too many limits to tell apart; left out in part: ${rules.map(name).join(", ")}`];
}

function agentTable(agents: ShadowReport["agents"]): string[] {
  const rows = agents.map(({ agent, ...counts }) => [
    name(agent),
    String(counts.would_block),
    String(counts.decisions),
    String(counts.blocked),
  ]);
  return table(["agent", "would block", "of decisions", "blocked"], rows);
}

/** `max_replicas deploy-manager deploy-api:deploy`: the rule and whatever it is told apart by. */
function titleOf({ rule, agent, tool, action, more }: Group & { rule: string }): string {
  const parts = [printable(rule)];
  if (agent !== undefined) parts.push(name(agent));
  if (tool !== undefined || action !== undefined) parts.push(`${name(tool)}:${name(action)}`);
  if (more) parts.push("(all others)");
  return parts.join(" ");
}

function name(text: string | null | undefined): string {
  return text === null || text === undefined ? "-" : printable(text);
}

/** Columns as wide as they need to be; all but the first hold numbers. */
function table(head: readonly string[], rows: readonly string[][]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
  );
}
