import type { Located, Path, Problem } from "../files/located_yaml.js";
import type { AgentDocument } from "./document.js";
import type { PolicySource } from "./schema.js";

/** The packages of user Rego that any policy asks for, sorted. */
export function packagesOf(documents: Iterable<AgentDocument>): string[] {
  return [...new Set([...new Set(documents)].flatMap(({ needs }) => needs.rego))].sort();
}

/** Where policies ask for packages that no Rego file declares. */
export function placesOf(unknown: readonly string[], sources: readonly Located<PolicySource>[]): Problem[] {
  return sources.flatMap((source) =>
    asked(source.value)
      .filter(({ name }) => unknown.includes(name))
      .map(({ name, at }) => source.problem(at, `no .rego file beside the policies declares package ${name}`)),
  );
}

function asked({ rego, actions = [] }: PolicySource): { name: string; at: Path }[] {
  const whole = rego ? rego.value.map((name, i) => ({ name, at: ["rego", ...rego.at, i] })) : [];
  const single = actions.flatMap(({ rego }, action) =>
    rego ? rego.value.map((name, i) => ({ name, at: ["actions", action, "rego", ...rego.at, i] })) : [],
  );
  return [...whole, ...single];
}
