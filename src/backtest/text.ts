import { printable } from "../printable.js";
import type { Finding, Said, Summary, ViewChange } from "./backtest.js";

const titles = {
  newly_allowed: "newly allowed",
  newly_denied: "newly denied",
  changed: "changed",
  undecidable: "undecidable",
} as const;

/** One changed verdict on one line: what is done about the call, and what would be if everything were enforced. */
export function findingLine({ change, timestamp, decision_id, enforced, computed, ...call }: Finding): string {
  const target = `${name(call.tool)}:${name(call.action)}`;
  const both = arrow(enforced) === arrow(computed);
  const told = [
    ...(enforced.differs ? [arrow(enforced)] : []),
    ...(computed.differs && !(enforced.differs && both) ? [`with every rule: ${arrow(computed)}`] : []),
  ];
  return `${timestamp} ${printable(decision_id)} ${name(call.agent)} ${target} ${titles[change]}: ${told.join("; ")}`;
}

/** What cannot be decided, by why: how many calls, and some of them. In bounded memory. */
export class Undecidable {
  readonly #reasons = new Map<string, { count: number; examples: string[] }>();

  add({ why, decision_id }: Finding): void {
    const text = why.join(", ");
    const key = this.#reasons.has(text) || this.#reasons.size < mostReasons ? text : "for other reasons";
    const known = this.#reasons.get(key) ?? { count: 0, examples: [] };
    known.count += 1;
    if (known.examples.length < 3) known.examples.push(decision_id);
    this.#reasons.set(key, known);
  }

  lines(): string[] {
    return [...this.#reasons]
      .sort(([, a], [, b]) => b.count - a.count)
      .map(([why, { count, examples }]) => {
        return `undecidable: ${count}, ${printable(why)} (${examples.map((id) => printable(id)).join(", ")})`;
      });
  }
}

const mostReasons = 100;

export function summaryLines(summary: Summary): string[] {
  const { replayed, unchanged, newly_allowed, newly_denied, changed, undecidable, could_be_allowed } = summary;
  return [
    `${replayed} calls judged again by ${summary.policy_version}`,
    `  ${unchanged} unchanged, ${newly_allowed} newly allowed, ${newly_denied} newly denied, ${changed} changed otherwise`,
    `${undecidable} undecidable, of which ${could_be_allowed} might be newly allowed`,
    `${summary.not_replayable} were not a matter of the policies`,
    ...(summary.aggregated > 0
      ? [`${summary.aggregated} refused calls were counted together and cannot be judged again`]
      : []),
    ...summary.torn.map((place) => `${place}: the last line is not finished and does not count`),
    "limits were not judged again, and signatures were not verified",
  ];
}

function arrow({ before, after }: ViewChange): string {
  return `${said(before)} -> ${said(after)}`;
}

function said(view: Said | null): string {
  if (view === null) return "undecidable";
  const message = view.message === undefined ? "" : `: ${printable(view.message)}`;
  return `${view.verdict} (${printable(view.reason)}${message})`;
}

function name(text: string | null): string {
  return text === null ? "-" : printable(text);
}
