import { inspect } from "node:util";
import { refusalOf } from "../reasons.js";
import { Refusal } from "../refusal.js";

/** A refusal for the agent's own doing is an ordinary outcome; what kept us from deciding is not. */
export function isFault(failure: unknown): boolean {
  return !(failure instanceof Refusal) || refusalOf(failure.reason).error === "Unavailable";
}

/** Causes behind an error that are logged: what a service made of it, and what the system said. */
const maxCauses = 4;

/** An error with its causes, outermost first; stacks stay in the log and go nowhere else. */
export function describeFailure(error: unknown): object {
  if (!(error instanceof Error)) return { message: textOf(error) };
  const causes: string[] = [];
  let { cause } = error;
  while (cause !== undefined && causes.length < maxCauses) {
    causes.push(cause instanceof Error ? (cause.stack ?? cause.message) : textOf(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return { message: error.message, stack: error.stack, ...(causes.length > 0 && { causes }) };
}

/** Of anything that was thrown; `String` fails on an object without prototype. */
function textOf(thrown: unknown): string {
  return typeof thrown === "string" ? thrown : inspect(thrown, { customInspect: false, depth: 1 });
}
