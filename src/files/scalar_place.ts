import { isScalar, type LineCounter } from "yaml";

/** A place in a text. Line and column count from 1. */
export interface Place {
  line: number;
  column: number;
}

/**
 * Where a place inside a text value stands in the YAML that holds it. Where escapes or folded lines make the two differ,
 * the start of the value has to do.
 */
export function placeInScalar(node: unknown, source: string, lines: LineCounter, within: Place): Place | null {
  if (!isScalar(node) || typeof node.value !== "string" || !node.range) return null;
  const [start, end] = node.range;
  if (node.type === "BLOCK_LITERAL") {
    const header = source.indexOf("\n", start) + 1;
    const indent = /^(?:[ \t]*\n)*( *)/.exec(source.slice(header, end))?.[1]?.length ?? 0;
    return { line: lines.linePos(header).line + within.line - 1, column: indent + within.column };
  }
  const quoted = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE";
  const first = start + (quoted ? 1 : 0);
  if (within.line !== 1 || !source.startsWith(node.value, first)) return null;
  const { line, col } = lines.linePos(first);
  return { line, column: col + within.column - 1 };
}

/** Most characters shown of a line on each side of the place. */
const shownAround = 60;

/** The line of a text that holds the place, and a caret under it. */
export function excerptOf(source: string, { line, column }: Place): string {
  const whole = (source.split("\n", line)[line - 1] ?? "").replaceAll(/[\t\r]/g, " ");
  const from = Math.max(0, column - 1 - shownAround);
  const shown = whole.slice(from, column - 1 + shownAround).trimEnd();
  const number = `${line}`;
  return `    ${number} | ${shown}\n    ${" ".repeat(number.length)} | ${" ".repeat(column - 1 - from)}^`;
}
