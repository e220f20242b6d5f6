import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { SessionAttestations } from "../attestation/service.js";
import type { SignedAttestation } from "../attestation/sign.js";
import type { Identity } from "../call.js";
import { preferred } from "./accept.js";
import type { Principal } from "./authenticate.js";
import { HttpProblem } from "./problem.js";
import { valid } from "./valid.js";

const params = z.strictObject({ id: z.string().regex(/^[!-~]{1,160}$/) });
export const showQuery = z.strictObject({ agent: z.string().min(1).max(128).exactOptional() });

/** The attestation as JSON, or its signature alone, which is the whole of it. */
const offered = ["application/json", "application/jwt"] as const;

export interface SessionRouteDeps {
  sessions: SessionAttestations;
  /** Id of the session that a call with this identity belongs to. */
  sessionIdOf: (identity: Identity) => string;
}

/** `/v1/sessions/{id}/attestation`: what Countersign says of a session, signed. */
export function sessionRoutes(app: FastifyInstance, { sessions, sessionIdOf }: SessionRouteDeps): void {
  app.get("/v1/sessions/:id/attestation", async (request, reply) => {
    const session = idOf(request.params);
    const { agent: named } = valid(showQuery, request.query, "query");
    const agent = await agentOf(request.principal, session, named);
    const attestation = await sessions.attest(agent, session);
    if (!attestation) throw notFound();
    reply.header("vary", "accept");
    // As bytes, or fastify would add a charset, which this media type does not have.
    if (preferred(request.headers.accept, offered) === "application/jwt") {
      return reply.type("application/jwt").send(Buffer.from(attestation.signature));
    }
    return attestation satisfies SignedAttestation;
  });

  /** Agents see the session of their own credential, and that there are others not even by a different refusal. */
  async function agentOf(principal: Principal | null, session: string, named: string | undefined): Promise<string> {
    if (principal?.kind === "agent") {
      const { identity } = principal;
      const own = identity.agent.id;
      if (session !== sessionIdOf(identity) || (named ?? own) !== own) throw notFound();
      return own;
    }
    if (named !== undefined) return named;
    const [agent, ...others] = await sessions.agents(session);
    if (agent === undefined) throw notFound();
    if (others.length > 0) throw ambiguous([agent, ...others]);
    return agent;
  }
}

function idOf(given: unknown): string {
  const parsed = params.safeParse(given);
  if (!parsed.success) throw notFound();
  return parsed.data.id;
}

function notFound(): HttpProblem {
  return new HttpProblem(404, "not_found", "there is no such session");
}

/** Session ids are the agents' own, so two agents may have the same. */
function ambiguous(agents: readonly string[]): HttpProblem {
  const detail = "several agents have a session of this id: name one of them with ?agent=";
  return new HttpProblem(409, "session_ambiguous", detail, { agents });
}
