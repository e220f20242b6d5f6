import type { Problem } from "../files/located_yaml.js";
import { allowed } from "./builtins.js";
import type { OpaError } from "./opa.js";

/** What `opa` is given to read: a name in its folder, the user's name for it, and the text. */
export interface Given {
  name: string;
  /** The user's file; for what is generated, the one that the mistake is to be told of. */
  file: string;
  generated: boolean;
  text: string;
}

/** Turns OPA's mistakes into ours: at the user's files, in their names. `known` are all builtins of this OPA. */
export function translator(given: readonly Given[], known: ReadonlySet<string>): (error: OpaError) => Problem {
  const byName = new Map(given.map((one) => [one.name, one]));
  const inOurNames = (text: string) => text.replaceAll(/[\w-]+\.rego/g, (name) => byName.get(name)?.file ?? name);

  return ({ message, location }) => {
    const at = byName.get(location?.file ?? "");
    const place = at === undefined || at.generated ? undefined : location;
    return {
      file: at?.file ?? given[0]?.file ?? "",
      line: Math.max(1, place?.row ?? 1),
      column: Math.max(1, place?.col ?? 1),
      path: "",
      message: inOurNames(explain(message.replaceAll(/\s+/g, " "), known)),
    };
  };
}

function explain(message: string, known: ReadonlySet<string>): string {
  const called = /^undefined function (\S+)$/.exec(message)?.[1];
  if (called !== undefined && known.has(called) && !allowed.has(called))
    return `the builtin ${called.replace(/^internal\./, "")} is not allowed in policies; see docs/rego.md`;
  return message;
}
