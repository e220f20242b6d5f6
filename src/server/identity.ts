import type { Logger } from "pino";
import { type AgentsService, agentsService } from "../agents/service.js";
import { type SessionAttestations, sessionAttestations } from "../attestation/service.js";
import type { AuditSink } from "../audit/record.js";
import type { Config } from "../config/schema.js";
import type { IdentifyContext } from "../identify/credential.js";
import { localIssuer } from "../identify/local_issuer.js";
import { trustedIssuers } from "../issuers/trusted.js";
import type { VerifyKey } from "../keys/keys.js";
import { type OAuthService, oauthService } from "../oauth/service.js";
import type { LoadedRegistry } from "../registry/load.js";
import type { Registry } from "../registry/registry.js";
import type { Runtime } from "../runtime.js";
import type { Store } from "../store/store.js";
import type { Closing } from "./closing.js";
import type { ServerKeys } from "./keys.js";

/** Who is who, and what proves it. */
export interface ServerIdentity {
  /** Agents and people as of now or a second ago; it follows what other processes do. */
  registry: Registry;
  credentials: Omit<IdentifyContext, "registry" | "now">;
  agents: AgentsService;
  oauth: OAuthService;
  sessions: SessionAttestations;
}

/** Opens what credentials are made of and checked against. */
export function serverIdentity(
  config: Config,
  deps: {
    keys: ServerKeys;
    store: Store;
    audit: AuditSink;
    fileRegistry: () => LoadedRegistry;
    runtime: Runtime;
    log: Logger;
    closing: Closing;
  },
): ServerIdentity {
  const { keys, store, audit, fileRegistry, runtime, log, closing } = deps;
  const { url, audience, max_ttl: maxTtlMs, token_ttl: ttlMs } = config.identity.issuer;
  const agents = agentsService({
    shared: store.registry,
    key: keys.approvals,
    acceptedKeys: acceptedProofs(keys),
    fileRegistry,
    audit,
    runtime,
    onTrouble: (error) => log.warn({ error: error.message }, "the registry of agents in the store"),
    onWarning: (warning) => log.warn(warning),
  });
  closing.add(() => agents.close());
  const trusted = trustedIssuers(config.identity.trusted, {
    runtime,
    onTrouble: (place, problem) => log.warn({ jwks: place, problem }, "the keys of an issuer cannot be read"),
  });
  closing.add(() => trusted.close());
  const { revocations } = agents;
  const issuer = localIssuer({ issuer: url, audience, maxTtlMs, keys: [keys.issuer, ...keys.accepted] });
  return {
    registry: following(agents),
    credentials: { issuer, trusted, revocations },
    agents,
    oauth: oauthService({
      registry: agents.registry,
      registryStore: agents.shared,
      trusted,
      revocations,
      issuer: { url, audience, ttlMs, maxTtlMs, key: keys.issuer, acceptedKeys: keys.accepted },
      sessionTtlMs: config.sessions.ttl,
      audit,
      runtime,
      publicUrl: config.public_url,
      publishedKeys: [keys.attestation],
    }),
    sessions: sessionAttestations({ store, key: keys.attestation, issuer: url, runtime }),
  };
}

/** While the issuer's key also proves what processes share, keys that it had before prove that too. */
function acceptedProofs({ approvals, issuer, accepted }: ServerKeys): readonly VerifyKey[] {
  return approvals.thumbprint === issuer.thumbprint ? accepted : [];
}

/** Each look-up sees what is known at that moment, also what came to be known while somebody waited. */
function following({ registry }: Pick<AgentsService, "registry">): Registry {
  return {
    agent: (id) => registry().agent(id),
    agentByApiKey: (key) => registry().agentByApiKey(key),
    agentBySpiffe: (id) => registry().agentBySpiffe(id),
    person: (name) => registry().person(name),
    personNamed: (name, names) => registry().personNamed(name, names),
    personByToken: (token) => registry().personByToken(token),
    holdsToken: (id, sha256) => registry().holdsToken(id, sha256),
  };
}
