import type { CompiledRego } from "../rego/compiled.js";

/** `input.name` or `input["name"]`, of any name but those of the session. Everything else may be the session. */
const plainInput = /\binput(?:\.(?!session)[A-Za-z_]\w*|\["(?!session)[A-Za-z_]\w*"\])/g;

/** False only when the texts of the user's Rego show that it never looks at the session. */
export function seesSession(rego: Pick<CompiledRego, "sources"> | null): boolean {
  return (rego?.sources ?? []).some(({ text }) => /\binput\b/.test(text.replaceAll(plainInput, "")));
}
