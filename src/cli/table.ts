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

/** What spreadsheets take for the beginning of a formula, quoted or not, and what they skip before it. Numbers are none. */
const formula = /^[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]/;
const number = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/**
 * One line of CSV (RFC 4180). Quoted whole, so no cell can begin another one; a text that a spreadsheet would run as a formula has a
 * `'` before it.
 */
export function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => `"${inert(cell).replaceAll('"', '""')}"`).join(",");
}

function inert(cell: string): string {
  return formula.test(cell) && !number.test(cell) ? `'${cell}` : cell;
}
