import { printable } from "../printable.js";

/** Rows under their heads, each column as wide as its widest cell. Cells may be hostile text; longer ones are cut. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], widest = 60): string[] {
  const cells = [head, ...rows].map((row) => row.map((cell) => printable(cell, widest)));
  const widths = head.map((_, column) => cells.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0));
  return cells.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** One line of CSV (RFC 4180). Quoted whole, so no cell can begin another one or be taken for a formula's first sign. */
export function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",");
}
