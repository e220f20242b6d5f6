import type { Spread } from "./stats.js";

/** A table of text: the first row names the columns. */
export type Rows = readonly (readonly string[])[];

/** For a terminal: the first column to the left, figures to the right. */
export function textTable(rows: Rows): string {
  const widths = widthsOf(rows);
  return rows
    .map((row) =>
      row
        .map((cell, i) => padded(cell, widths[i] ?? 0, i))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function markdownTable(rows: Rows): string {
  const widths = widthsOf(rows).map((width) => Math.max(width, 3));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, i) => padded((row[i] ?? "").replaceAll("|", "\\|"), width, i)).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  const [head = [], ...body] = rows;
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** `0.52 (0.49..0.55)`: the median, and the ends of all rounds. */
export function shown({ median, min, max }: Spread, digits = 2): string {
  const [middle, low, high] = [median, min, max].map((value) => value.toFixed(digits));
  return low === high ? `${middle}` : `${middle} (${low}..${high})`;
}

function widthsOf(rows: Rows): number[] {
  const columns = Math.max(...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
}

function padded(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
