import type { FastifyRequest } from "fastify";
import type { Header, Identity } from "../call.js";
import type { Person, Registry } from "../registry/registry.js";

/** Who asks the HTTP API: somebody in `people.yaml`, or an agent by its own credential. */
export type Principal = { kind: "person"; person: Person } | { kind: "agent"; identity: Identity };

/** Throws `Refusal` with a reason of status 401 when the request proves nobody. */
export type Authenticate = (request: FastifyRequest) => Promise<Principal>;

const bearerForm = /^bearer +([!-~]{1,8192})$/i;

/**
 * A person by their static bearer token; everything else goes through the credential table that calls go through, so
 * an agent proves itself here exactly as it does to Envoy.
 */
export function authenticator(deps: {
  registry: () => Registry;
  identifyAgent: (headers: readonly Header[]) => Promise<Identity>;
}): Authenticate {
  return async (request) => {
    const headers = headersOf(request.raw.rawHeaders);
    const person = personOf(headers, deps.registry());
    if (person) return { kind: "person", person };
    return { kind: "agent", identity: await deps.identifyAgent(headers) };
  };
}

/** Names and values side by side, as Node read them. `headers` would silently drop a second `authorization`. */
export function headersOf(rawHeaders: readonly string[]): Header[] {
  return rawHeaders.flatMap((name, i) =>
    i % 2 === 0 ? [{ name: name.toLowerCase(), value: rawHeaders[i + 1] ?? "" }] : [],
  );
}

function personOf(headers: readonly Header[], registry: Registry): Person | undefined {
  const credentials = headers.filter(({ name }) => name === "authorization" || name === "x-api-key");
  const [only, ...others] = credentials;
  if (only?.name !== "authorization" || others.length > 0) return undefined;
  const token = bearerForm.exec(only.value)?.[1];
  return token === undefined ? undefined : registry.personByToken(token);
}
