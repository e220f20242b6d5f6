/** The rules of a package that decide. Each is true or false; undefined counts as false. */
export const verdictRules = ["deny", "requires_human_approval", "allow"] as const;

/** The function that every package is given. */
export const supplied = "verify_signature";

/** Entrypoint of a bound package in the WebAssembly. */
export function entrypointOf(name: string): string {
  return `countersign/${name}`;
}

/**
 * The supplied function, as one more file of a package. A value is verified when it is the session's attestation, since
 * only a verified one is ever put there, and the agent's credential binds the session: any call can land in an open one.
 */
export function suppliedTo(name: string): string {
  return `package ${name}

default ${supplied}(_) := false

${supplied}(x) if {
	is_object(x)
	x == input.session_attestation
	input.session.bound == true
}
`;
}

/** Asks a bound package for the rules that decide and no others, so that what else it holds costs nothing. */
export function entrypointTo(name: string): string {
  const asked = verdictRules.map((rule) => `${rule} := data.${name}.${rule}`);
  return `package countersign["${name}"]\n\n${asked.join("\n")}\n`;
}
