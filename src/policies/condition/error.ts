import type { parse } from "@bufbuild/cel";

/** A condition that cannot be used. Line and column count from 1, inside the condition's own text. */
export class ConditionError extends Error {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = "ConditionError";
    this.line = line;
    this.column = column;
  }

  /** Turns whatever the CEL parser throws into our error, with the parser's place. */
  static fromParser(error: unknown, text: string): ConditionError {
    const place = (error as { location?: { start?: { line?: unknown; column?: unknown } } }).location?.start;
    // The parser lists every token that could have stood there; what did stand there says enough.
    const found = /^found (.*?) but expecting/s.exec(String((error as { rawMessage?: unknown }).rawMessage))?.[1];
    const message = `not a CEL expression${found === undefined ? "" : `: unexpected ${found}`}`;
    if (typeof place?.line === "number" && typeof place.column === "number") {
      return new ConditionError(message, place.line, place.column);
    }
    const lines = text.split("\n");
    return new ConditionError(message, lines.length, (lines.at(-1)?.length ?? 0) + 1);
  }
}

/** The place of one expression, able to make an error that points at it. */
export interface Place {
  error(message: string): ConditionError;
}

/** Looks up where an expression began. */
export type Places = (expr: { id: bigint }) => Place;

/** Places from the parser's offsets (`SourceInfo.positions`: offset of each expression id, in code points). */
export function positions(text: string, info: ReturnType<typeof parse>["sourceInfo"]): Places {
  return (expr) => ({
    error(message) {
      const offset = info?.positions[String(expr.id)] ?? 0;
      const before = [...text].slice(0, offset).join("").split("\n");
      return new ConditionError(message, before.length, (before.at(-1)?.length ?? 0) + 1);
    },
  });
}
