import type { Json } from "../call.js";

/** Names under which people keep secrets; whole words between separators or case changes. */
const secretName =
  /(^|[-_.])(password|passwd|passphrase|secret|token|api-?_?key|apikey|private-?_?key|credentials?|authorization|cookie|session-?_?id)($|[-_.])/i;

/** True when the value of such a name has no place in a record that many may read and nobody can change. */
export function isSecretName(name: string): boolean {
  return secretName.test(name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2"));
}

/**
 * A copy of the input document for the record, with secrets replaced by typed placeholders: whatever stands under a
 * secret's name in parameters, headers or query, and whatever the policy took out of the call.
 */
export function maskInput(
  input: { [name: string]: Json },
  removed: { headers: ReadonlySet<string>; query: ReadonlySet<string> },
): { [name: string]: Json } {
  const http = input.http as { [name: string]: Json };
  return {
    ...input,
    params: maskNamed(input.params ?? {}, removed.query),
    http: {
      ...http,
      headers: maskNamed(http.headers ?? {}, removed.headers),
      query: maskNamed(http.query ?? {}, removed.query),
    },
  };
}

function maskNamed(value: Json, removed: ReadonlySet<string>): Json {
  if (Array.isArray(value)) return value.map((member) => maskNamed(member, none));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (removed.has(name)) return [name, "[removed]"];
      if (isSecretName(name) && member !== null && typeof member !== "boolean") return [name, "[secret]"];
      return [name, maskNamed(member, none)];
    }),
  );
}

const none: ReadonlySet<string> = new Set();
