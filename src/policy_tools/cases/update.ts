import { isCollection, isMap, type Node, parseDocument, stringify } from "yaml";
import type { Difference } from "./compare.js";
import type { Result } from "./run.js";
import { passed } from "./run.js";

/** A piece of a text and what shall stand there instead. */
interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * The text of a case file in which every failed case wants what it got. Everything that is not a changed value stays as it
 * was, comments included. Cases that got no answer stay as they are.
 */
export function updatedText(text: string, results: readonly Result[]): string {
  const document = parseDocument(text, { version: "1.2", schema: "core" });
  const edits = results
    .filter((result) => !passed(result) && result.got !== null)
    .flatMap(({ case: { index }, differences }) =>
      differences.map((difference): Edit => {
        const parent = document.getIn(["cases", index, "want"], true);
        const node = isMap(parent) ? (parent.get(difference.key, true) as Node | undefined) : undefined;
        if (!node?.range || !isMap(parent)) throw new Error(`case ${index} wants no ${difference.key}`);
        return editOf(text, node, parent.flow === true, difference);
      }),
    );
  return edits.toSorted((a, b) => b.start - a.start).reduce(applied, text);
}

function editOf(text: string, node: Node, withinFlow: boolean, difference: Difference): Edit {
  const [start, end] = node.range as [number, number, number];
  const value = likeWanted(difference);
  if (!isCollection(node) || node.flow || withinFlow || isEmpty(value)) {
    return { start, end: isCollection(node) && !node.flow ? trimmedEnd(text, start, end) : end, text: inFlow(value) };
  }
  const column = start - (text.lastIndexOf("\n", start - 1) + 1);
  const lines = stringify(value, { lineWidth: 0, indentSeq: false }).trimEnd().split("\n");
  return { start, end: trimmedEnd(text, start, end), text: lines.join(`\n${" ".repeat(column)}`) };
}

function isEmpty(value: unknown): boolean {
  return Object.keys(Object(value)).length === 0;
}

/** A block ends with the line breaks that follow it; those stay. */
function trimmedEnd(text: string, start: number, end: number): number {
  return start + text.slice(start, end).trimEnd().length;
}

function inFlow(value: unknown): string {
  const flow = { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 } as const;
  return stringify(value, flow).trimEnd();
}

function applied(text: string, { start, end, text: instead }: Edit): string {
  return text.slice(0, start) + instead + text.slice(end);
}

/** What came, without the sentence of each violation and without empty parts that nobody asked for. */
function likeWanted({ key, wanted, got }: Difference): unknown {
  if (key === "violations") {
    const named = new Set((wanted as object[]).flatMap(Object.keys));
    return (got as Record<string, unknown>[]).map(({ message, ...rest }) => ({
      ...rest,
      ...(named.has("message") && { message }),
    }));
  }
  if (key === "sanitize" || key === "terms") return onlyNamed(wanted, got);
  return got;
}

function onlyNamed(wanted: unknown, got: unknown): unknown {
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) return got;
  const all = Object(got) as Record<string, unknown>;
  const kept = Object.entries(wanted).filter(([name]) => all[name] !== undefined);
  return Object.fromEntries(kept.map(([name, value]) => [name, onlyNamed(value, all[name])]));
}
