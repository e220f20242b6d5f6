import { PartMissing } from "./part_missing.js";
import { tell } from "./programs.js";

/** A real part that tests need, or why it is not here. */
export type Part<T> = { readonly value: T } | { readonly missing: string };

/**
 * Looks for a real part at the top of a test file:
 *
 *     const envoy = await requirePart("Envoy", findEnvoy);
 *     describeWith(envoy, "...", (use) => { ... use() ... });
 *
 * Where it is missing, the suite is skipped and counted as skipped; in CI (`CI=true`) the file fails instead. Any other
 * error fails everywhere.
 */
export async function requirePart<T>(name: string, find: () => Promise<T>): Promise<Part<T>> {
  try {
    return { value: await find() };
  } catch (error) {
    if (!(error instanceof PartMissing) || inCi()) throw error;
    return skipped(name, error);
  }
}

/**
 * As `requirePart`, for a part in whose place another one shows the same: where it is missing, the suite is skipped and
 * counted as skipped in CI too.
 */
export async function optionalPart<T>(name: string, find: () => Promise<T>): Promise<Part<T>> {
  try {
    return { value: await find() };
  } catch (error) {
    if (!(error instanceof PartMissing)) throw error;
    return skipped(name, error);
  }
}

function skipped(name: string, { message }: PartMissing): Part<never> {
  tell(`skipped for want of ${name}: ${message}`);
  return { missing: message };
}

/** `describe`, or `describe.skip` with the reason. `use` gives the part; call it inside tests and hooks only. */
export function describeWith<T>(part: Part<T>, title: string, body: (use: () => T) => void): void {
  const use = (): T => {
    if ("value" in part) return part.value;
    throw new Error(part.missing);
  };
  if ("value" in part) describe(title, () => body(use));
  else describe.skip(`${title} (${part.missing})`, () => body(use));
}

function inCi(): boolean {
  return ["true", "1"].includes(process.env.CI ?? "");
}
