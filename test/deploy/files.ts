import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { repository } from "../harness/programs.js";

export const prometheusFolder = join(repository, "deploy/prometheus");
export const rulesFile = join(prometheusFolder, "countersign.rules.yml");

export interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export const rules: Rule[] = (parse(readFileSync(rulesFile, "utf8")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules: some }) => some,
);
export const alerts = rules.filter(({ alert }) => alert !== undefined);

interface Panel {
  title: string;
  type: string;
  targets?: { expr: string }[];
  gridPos: { x: number; y: number; w: number; h: number };
}

export const dashboard = JSON.parse(readFileSync(join(repository, "deploy/grafana/countersign.json"), "utf8")) as {
  panels: Panel[];
  templating: { list: { name: string; type: string; definition?: string }[] };
};

/** Every expression of the dashboard, with its panel, as Grafana asks it once its variables have values. */
export const expressions = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr: filledIn(expr) })),
);

function filledIn(expr: string): string {
  const values: Record<string, string> = { $instance: ".*", $__rate_interval: "20s", $__range: "5m" };
  return expr.replaceAll(/\$\w+/g, (name) => values[name] ?? name);
}

/** Our metrics that an expression names, without the suffixes of histograms. */
export function metricsIn(expr: string): string[] {
  const names = expr.match(/\b(?:countersign|nodejs|process)_\w+/g) ?? [];
  return names.map((name) => name.replace(/_(bucket|sum|count)$/, ""));
}
