/** A bundle that is not used, with what to do about it. The message names no file; whoever opened it knows which. */
export class InvalidBundle extends Error {
  override readonly name = "InvalidBundle";
}

/** What an error of the system says of itself under a name such as `code`; it may come from another realm. */
export function detailOf(error: unknown, name: "code" | "name" | "message" | "cause"): unknown {
  return typeof error === "object" && error !== null && name in error
    ? (error as Record<string, unknown>)[name]
    : undefined;
}
