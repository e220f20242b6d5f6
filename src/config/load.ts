import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InvalidFile, type Located, locate, type Problem, validate } from "../files/located_yaml.js";
import { overlay, type Variable } from "./environment.js";
import { type Config, configSchema, type GrpcPlace, notYet, type Written } from "./schema.js";
import type { StorePlace } from "./store.js";

const dayMs = 86_400_000;

/**
 * Reads a configuration file, puts `COUNTERSIGN_*` over it, validates it and resolves its paths against its folder.
 * Throws `InvalidFile` with every mistake, each with its line or its variable.
 */
export function loadConfig(path: string, environment: NodeJS.ProcessEnv = process.env): Config {
  const file = resolve(path);
  const located = locate(path, readConfig(path));
  refuseNotYet(located);
  const { raw, used } = overlay(located.value, environment);
  try {
    return withAbsolutePaths(validate({ ...located, value: raw }, configSchema).value, dirname(file));
  } catch (error) {
    if (error instanceof InvalidFile) throw new InvalidFile(error.problems.map((problem) => blame(problem, used)));
    throw error;
  }
}

function readConfig(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    const message = "cannot be read; write a first one with `countersign init`";
    throw new InvalidFile([{ file: path, line: 1, column: 1, path: "", message }]);
  }
}

function refuseNotYet(located: Located<unknown>): void {
  const problems = notYet.flatMap((path) => {
    let value: unknown = located.value;
    for (const step of path) value = (value as Record<string, unknown> | null | undefined)?.[step];
    return value === undefined ? [] : [located.problem(path, "this version does not act on this key yet; remove it")];
  });
  if (problems.length > 0) throw new InvalidFile(problems);
}

/** A mistake in a value that came from the environment is the variable's, not the file's. */
function blame(problem: Problem, used: readonly Variable[]): Problem {
  const variable = used.find(
    ({ path }) => problem.path === path.join(".") || problem.path.startsWith(`${path.join(".")}.`),
  );
  return variable ? { ...problem, file: `$${variable.name}`, line: 1, column: 1 } : problem;
}

function withAbsolutePaths(config: Written, folder: string): Config {
  const at = (path: string): string => resolve(folder, path);
  const { issuer } = config.identity;
  const { grpc } = config.listen;
  return {
    ...config,
    listen: {
      ...config.listen,
      grpc: Array.isArray(grpc) ? grpc.map((place) => grpcAt(place, at)) : grpcAt(grpc, at),
    },
    policies: typeof config.policies === "string" ? at(config.policies) : bundlePlace(config.policies, at),
    policy_history: { ...config.policy_history, dir: at(config.policy_history.dir) },
    store: storeAt(config.store, at),
    tools: at(config.tools),
    agents: at(config.agents),
    people: at(config.people),
    identity: {
      ...config.identity,
      issuer: { ...issuer, key_file: at(issuer.key_file), accepted_keys: issuer.accepted_keys.map(at) },
      trusted: config.identity.trusted.map((entry) => ({
        ...entry,
        jwks: /^https?:/i.test(entry.jwks) ? entry.jwks : at(entry.jwks),
      })),
    },
    attestation: {
      ...config.attestation,
      keys: config.attestation.keys.map((key) => ({ ...key, file: at(key.file) })),
      key_file: at(config.attestation.key_file ?? issuer.key_file),
    },
    // What a token binds is remembered for as long as the token may live.
    sessions: { ...config.sessions, ttl: config.sessions.ttl ?? Math.max(dayMs, issuer.max_ttl) },
    approvals: {
      ...config.approvals,
      ...approvalFiles(config.approvals, at),
      // Without a key of its own the issuer's is used; `typ` and `aud` keep the tokens apart.
      key_file: at(config.approvals.key_file ?? issuer.key_file),
    },
    bundles: config.bundles.key_file === undefined ? {} : { key_file: at(config.bundles.key_file) },
    audit: {
      ...config.audit,
      dir: at(config.audit.dir),
      key_file: at(config.audit.key_file),
      accepted_keys: config.audit.accepted_keys.map(at),
    },
    telemetry: telemetryAt(config.telemetry, at),
  };
}

function grpcAt(place: GrpcPlace, at: (path: string) => string): GrpcPlace {
  if (typeof place === "string") return place.replace(/^unix:(.*)$/s, (_, path: string) => `unix:${at(path)}`);
  return { ...place, tls: tlsAt(place.tls, at) };
}

function storeAt(place: StorePlace, at: (path: string) => string): StorePlace {
  if (typeof place === "string") return place;
  const tls = typeof place.tls === "object" ? { tls: tlsAt(place.tls, at) } : {};
  if (!("cluster" in place)) return { ...place, ...tls };
  return { ...place, ...tls, ...(place.password_file !== undefined && { password_file: at(place.password_file) }) };
}

function tlsAt<T extends Record<string, string | undefined>>(files: T, at: (path: string) => string): T {
  return Object.fromEntries(Object.entries(files).map(([key, path]) => [key, path && at(path)])) as T;
}

type Approvals = Written["approvals"];

function approvalFiles({ page, slack, teams, webhook }: Approvals, at: (path: string) => string): Partial<Approvals> {
  const secret = page.oidc?.client_secret_file;
  return {
    ...(page.oidc && secret && { page: { ...page, oidc: { ...page.oidc, client_secret_file: at(secret) } } }),
    ...(slack && {
      slack: {
        ...slack,
        bot_token_file: at(slack.bot_token_file),
        signing_secret_file: at(slack.signing_secret_file),
      },
    }),
    ...(teams && { teams: { ...teams, webhook_url_file: at(teams.webhook_url_file) } }),
    ...(webhook && { webhook: { ...webhook, secret_file: at(webhook.secret_file) } }),
  };
}

function telemetryAt(telemetry: Written["telemetry"], at: (path: string) => string): typeof telemetry {
  const { otlp } = telemetry;
  return otlp?.headers_file ? { ...telemetry, otlp: { ...otlp, headers_file: at(otlp.headers_file) } } : telemetry;
}

function bundlePlace(place: Exclude<Written["policies"], string>, at: (path: string) => string): typeof place {
  const { bundle, key_file, token_file } = place;
  return {
    ...place,
    bundle: /^https?:/i.test(bundle) ? bundle : at(bundle),
    ...(key_file !== undefined && { key_file: at(key_file) }),
    ...(token_file !== undefined && { token_file: at(token_file) }),
  };
}
