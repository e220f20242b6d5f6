import { type Document, type ErrorCode, isMap, isNode, isPair, LineCounter, type Node, parseDocument } from "yaml";
import type { z } from "zod";
import { excerptOf, type Place, placeInScalar } from "./scalar_place.js";
import { wording } from "./wording.js";

/** One mistake in a file a user wrote. Lines and columns count from 1. */
export interface Problem {
  file: string;
  line: number;
  column: number;
  /** Where in the document, as `actions[0].max_replicas`; empty for the document itself. */
  path: string;
  message: string;
  /** The line with a caret under the place, for mistakes inside an expression. */
  excerpt?: string;
}

/** A file that cannot be used, with every mistake found in it. */
export class InvalidFile extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.name = "InvalidFile";
    this.problems = problems;
  }
}

/** `file:line:column: path: message`, the form editors and people click on, and the excerpt below it. */
export function formatProblem(problem: Problem): string {
  const path = problem.path === "" ? "" : `${problem.path}: `;
  const excerpt = problem.excerpt === undefined ? "" : `\n${problem.excerpt}`;
  return `${problem.file}:${problem.line}:${problem.column}: ${path}${problem.message}${excerpt}`;
}

export type Path = readonly PropertyKey[];

/** A parsed and validated file that still knows where each value stood. */
export interface Located<T> {
  file: string;
  value: T;
  /** Builds the problem for the value at a path, for checks that a schema cannot express. */
  problem(path: Path, message: string, within?: Place): Problem;
}

/**
 * Parses YAML 1.2 (and so JSON) and validates it. Duplicate keys, unknown tags, several documents and unknown keys
 * are mistakes. Throws `InvalidFile` with all of them.
 */
export function parseLocated<T>(file: string, text: string, schema: z.ZodType<T>): Located<T> {
  return validate(locate(file, text), schema);
}

/** Validates a located value; throws `InvalidFile` with every mistake at its place. */
export function validate<T>(located: Located<unknown>, schema: z.ZodType<T>): Located<T> {
  const result = schema.safeParse(located.value, { error: wording });
  if (!result.success) {
    throw new InvalidFile(result.error.issues.flatMap((issue) => problemsOf(issue, located.problem)));
  }
  return { ...located, value: result.data };
}

/** For mistakes that the parser explains to programmers. */
const wordsOf: Partial<Record<ErrorCode, string>> = { MULTIPLE_DOCS: "the file holds more than one document" };

/** Parses YAML without a schema; an empty file is an empty map. */
export function locate(file: string, text: string): Located<unknown> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: "1.2", schema: "core", merge: false });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) {
    throw new InvalidFile(
      broken.map((error) => ({
        file,
        line: error.linePos?.[0].line ?? 1,
        column: error.linePos?.[0].col ?? 1,
        path: "",
        message: wordsOf[error.code] ?? firstLine(error.message).replace(/ at line \d+, column \d+:?$/, ""),
      })),
    );
  }

  const problem = (path: Path, message: string, within?: Place): Problem => {
    const { line, col } = lines.linePos(offsetOf(document.contents, path));
    const start = { file, line, column: col, path: formatPath(path), message };
    if (!within) return start;
    const node = document.getIn(path, true);
    const inside = placeInScalar(node, text, lines, within);
    // Where the value is written in another way than it reads, the value itself shows the place.
    const excerpt = inside ? excerptOf(text, inside) : excerptOf(String(document.getIn(path)), within);
    return { ...start, ...inside, excerpt };
  };

  return { file, value: plainValue(document, problem) ?? {}, problem };
}

function plainValue(document: Document.Parsed, problem: Located<unknown>["problem"]): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new InvalidFile([problem([], "aliases (*) stand for too much, or for themselves")]);
  }
}

function problemsOf(issue: z.core.$ZodIssue, problem: Located<unknown>["problem"]): Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => problem([...issue.path, key], "unknown key"));
  }
  if (issue.code === "invalid_key") return issue.issues.map(({ message }) => problem(issue.path, message));
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest && deepest.path.length > 0) {
      return problemsOf({ ...deepest, path: [...issue.path, ...deepest.path] } as z.core.$ZodIssue, problem);
    }
  }
  return [problem(issue.path, issue.message)];
}

/** Offset of the value at a path; of its key when the value is empty or the key itself is the mistake. */
function offsetOf(root: Node | null, path: Path): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (!isNode(node)) break;
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && keyOf(item.key) === String(step));
      if (!pair) break;
      node = pair.value;
      offset = rangeStart(pair.value) ?? rangeStart(pair.key) ?? offset;
    } else if ("items" in node && Array.isArray(node.items)) {
      node = node.items[Number(step)];
      offset = rangeStart(node) ?? offset;
    } else break;
  }
  return offset;
}

function rangeStart(node: unknown): number | undefined {
  return isNode(node) ? (node.range?.[0] ?? undefined) : undefined;
}

function keyOf(key: unknown): string {
  return isNode(key) && "value" in key ? String(key.value) : String(key);
}

function formatPath(path: Path): string {
  return path.reduce<string>(
    (text, step) =>
      typeof step === "number" ? `${text}[${step}]` : text === "" ? String(step) : `${text}.${String(step)}`,
    "",
  );
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
