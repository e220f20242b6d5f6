import { z } from "zod";
import { durationField as duration } from "../files/duration_field.js";
import { audit } from "./audit.js";
import { fetchable, isLoopbackName } from "./fetchable.js";
import { oidcMistake, page, slack, teams, webhook } from "./notifiers.js";
import { onStoreFailure, storePlace } from "./store.js";
import { telemetry } from "./telemetry.js";
import { trusted } from "./trusted.js";
import { workersMistakes } from "./workers.js";

const url = z.url({ protocol: /^https?$/, error: "write an http:// or https:// URL" });

/** The page and what links to it are at fixed paths there. */
const origin = url.refine((text) => !URL.canParse(text) || new URL(text).href === `${new URL(text).origin}/`, {
  error: "write scheme, host and port only, without a path: the API and the page are at fixed paths there",
});

/** Of a file or folder. */
const path = z.string("write a path").min(1, "write a path");

const addressForm = "write an address as host:port, for example 127.0.0.1:9192";

const address = z
  .string(addressForm)
  .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, { error: addressForm, abort: true })
  .refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, "a port is at most 65535");

const socket = z.string().regex(/^unix:.+/, { abort: true });

const tls = z.strictObject({ cert_file: path, key_file: path, client_ca_file: path });

const issuer = z
  .strictObject({
    url: url.default("http://127.0.0.1:9192").describe("`iss` of agent tokens"),
    key_file: path.default("./var/issuer.jwk").describe("JWK that signs and checks agent tokens"),
    accepted_keys: z
      .array(path)
      .default([])
      .describe("JWKs that sign nothing and are accepted and published too: the key before, and the one to come"),
    audience: z.string().min(1, "must not be empty").default("countersign").describe("`aud` of agent tokens"),
    token_ttl: duration("1s", "365d").prefault("15m").describe("lifetime of a new token that names none"),
    max_ttl: duration("1s", "365d").prefault("1h").describe("longest lifetime of a token that is issued or accepted"),
  })
  .refine((value) => value.token_ttl <= value.max_ttl, {
    path: ["token_ttl"],
    message: "tokens would live longer than `max_ttl` permits",
  });

const grpcPlace = z.union([socket, address, z.strictObject({ address, tls })], {
  error: "write host:port, unix:/path or {address, tls}",
});

const listen = z.strictObject({
  grpc: z
    .union([socket, address, z.strictObject({ address, tls }), z.array(grpcPlace).min(1)], {
      error: "write host:port, unix:/path or {address, tls}, or a list of them: one for each worker",
    })
    .default("127.0.0.1:9191")
    .describe(
      "where Envoy asks: `host:port` on loopback, `unix:/path`, or `{address, tls}` with client certificates; a list of these for several workers",
    ),
  http: address.default("127.0.0.1:9192").describe("where people and agents reach the HTTP API"),
});

const attestation = z.strictObject({
  required: z.boolean().default(false).describe("`true` refuses calls without a verified attestation of `keys`"),
  max_age: duration("1s", "1d").prefault("10m").describe("how old an attestation of `keys` may be"),
  keys: z
    .array(z.strictObject({ kid: z.string().min(1).max(256), file: path }))
    .default([])
    .describe("JWKs of those whose session attestations are believed, each with its `kid`"),
  key_file: path.optional().describe("JWK that signs the attestations we give out; without it the issuer's"),
});

const sessions = z.strictObject({
  ttl: duration("1m", "365d")
    .optional()
    .describe(
      "how long a session is remembered after its last call; without it 24h, or `max_ttl` of tokens if that is longer",
    ),
  learning: duration("0s", "365d")
    .prefault("7d")
    .describe("how long after an agent's first call a tool that is new to it is no anomaly"),
  burst: z
    .strictObject({
      refusals: z.int().min(2).max(100).default(5).describe("so many refused calls are a burst"),
      within: duration("1s", "1h").prefault("1m").describe("when they come within so long"),
    })
    .prefault({}),
});

const policiesForm = "write a path, or {bundle, key_file, poll, token_file}: what comes from a URL must be signed";

const bundle = z
  .strictObject({
    bundle: path,
    key_file: path.optional(),
    poll: duration("1s", "1d").optional(),
    token_file: path.optional(),
  })
  .superRefine((place, context) => {
    const mistake = (key: string, message: string): void => context.addIssue({ code: "custom", path: [key], message });
    const { bundle, key_file, poll, token_file } = place;
    if (!/^[a-z][a-z0-9+.-]*:/i.test(bundle)) {
      if (poll !== undefined) mistake("poll", "a file is looked at twice a second; only a URL is polled");
      if (token_file !== undefined) mistake("token_file", "only for a URL");
      if (!/\.(tar\.gz|tgz)$/i.test(bundle)) mistake("bundle", "a bundle is a .tar.gz file");
      return;
    }
    const host = fetchable(bundle);
    if (host === null) mistake("bundle", "write a path, or an http:// or https:// URL without user and fragment");
    if (key_file === undefined) mistake("key_file", "missing: what comes from a URL must be signed");
    if (token_file !== undefined && host !== null && /^http:/i.test(bundle) && !isLoopbackName(host)) {
      mistake("bundle", "the token would travel in plain text: use https://");
    }
  });

// A text in braces is a map that came from the environment.
const policies = z.union([path.refine((text) => !/^(https?:|\{)/i.test(text), policiesForm), bundle], {
  error: policiesForm,
});

/** What `countersign.yaml` may say, with its defaults and what each key means. Paths are still as written. */
export const configSchema = z
  .strictObject({
    listen: listen.prefault({}),
    public_url: origin
      .default("http://127.0.0.1:9192")
      .describe("base URL under which agents and approvers reach the API"),
    workers: z
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe("worker processes; more than one need a redis store and an address in `listen.grpc` for each"),
    store: storePlace
      .default("memory:")
      .describe(
        "limits, approvals, sessions, agents: `memory:`, `redis://[user:password@]host:port/db`, `rediss://...` or a map",
      ),
    store_timeout: duration("1ms", "1m").prefault("250ms").describe("longest wait for one answer of the store"),
    on_store_failure: onStoreFailure
      .prefault("deny")
      .describe("calls while the store does not answer: `deny`, or `{local: 0.2, for: 15m}`: a share of each limit"),
    mode: z.enum(["enforce", "shadow"]).default("enforce").describe("mode of policy files that name none"),
    dry_run: z.boolean().default(false).describe("`true` records every decision and enforces none"),
    unmatched: z
      .enum(["deny", "passthrough"])
      .default("deny")
      .describe("requests that no entry of the tool catalogue matches"),
    strip_credentials: z
      .boolean()
      .default(true)
      .describe("removes the agent's credential before the tool sees the call"),
    max_body_bytes: z.int().min(1).max(8_388_608).default(1_048_576).describe("larger bodies are refused with 413"),
    shutdown_grace: duration("1ms", "1h").prefault("10s").describe("longest wait for calls in flight at SIGTERM"),
    policies: policies
      .prefault("./policies")
      .describe("folder of policy files, one file, a bundle (`.tar.gz`), or `{bundle, key_file, poll, token_file}`"),
    policy_history: z
      .strictObject({
        dir: path.default("./var/policies").describe("folder of the policy versions that were in force"),
        keep: z.int().min(1).max(1_000).default(50).describe("how many of them are kept"),
      })
      .prefault({}),
    tools: path.default("./tools.yaml").describe("the tool catalogue"),
    agents: path.default("./agents.yaml").describe("who may call, and with which credentials"),
    people: path.default("./people.yaml").describe("who may approve, look and administer"),
    identity: z
      .strictObject({
        issuer: issuer.prefault({}),
        trusted: trusted.default([]).describe("other issuers whose tokens are exchanged or believed"),
        spiffe: z
          .strictObject({
            trust_plaintext: z
              .boolean()
              .default(false)
              .describe("believes `source.principal` also over a plain loopback connection"),
          })
          .prefault({}),
      })
      .prefault({}),
    attestation: attestation.prefault({}),
    sessions: sessions.prefault({}),
    approvals: z
      .strictObject({
        key_file: path
          .optional()
          .describe(
            "JWK that signs answers, override tokens and what the store holds of agents; without it the issuer's",
          ),
        expires_in: duration("1s", "30d")
          .prefault("15m")
          .describe("how long people have to answer, and the agent to use it"),
        max_pending: z
          .int()
          .min(1)
          .max(10_000)
          .default(100)
          .describe("approvals of one agent that may wait for people at a time; further ones are refused with 429"),
        page: page.prefault({}),
        slack: slack.optional(),
        teams: teams.optional(),
        webhook: webhook.optional(),
      })
      .prefault({}),
    audit: audit.prefault({}),
    bundles: z
      .strictObject({
        key_file: path
          .optional()
          .describe("JWK that signs the bundle which others fetch; without it the bundle is unsigned"),
      })
      .prefault({}),
    telemetry: telemetry.prefault({}),
  })
  .superRefine(({ sessions, identity, approvals, ...config }, context) => {
    for (const { path, message } of workersMistakes(config)) context.addIssue({ code: "custom", path, message });
    const mistake = approvals.page.oidc && oidcMistake(approvals.page.oidc, identity.trusted);
    if (mistake) {
      const path = ["approvals", "page", "oidc", mistake.key];
      context.addIssue({ code: "custom", path, message: mistake.message });
    }
    const ours = identity.trusted.findIndex(({ issuer }) => issuer === identity.issuer.url);
    if (ours >= 0) {
      const message = "this is `identity.issuer.url`: our own tokens need no entry, and are exchanged for nothing";
      context.addIssue({ code: "custom", path: ["identity", "trusted", ours, "issuer"], message });
    }
    if (sessions.ttl === undefined || sessions.ttl >= identity.issuer.max_ttl) return;
    const message = "a session would be forgotten before its tokens expire: at least `identity.issuer.max_ttl`";
    context.addIssue({ code: "custom", path: ["sessions", "ttl"], message });
  });

/** A validated configuration; durations in milliseconds, file paths absolute once `loadConfig` has resolved them. */
export type Config = Written & {
  approvals: { key_file: string };
  attestation: { key_file: string };
  sessions: { ttl: number };
};

/** Where Envoy asks one worker. */
export type GrpcPlace = z.output<typeof grpcPlace>;

/** The same before paths are resolved. */
export type Written = z.output<typeof configSchema>;

/**
 * Keys of the configuration that are settled and this version does not act on. To accept them would promise
 * protection or messages that nobody gives, so they are errors with a word of their own.
 */
export const notYet: readonly (readonly string[])[] = [["listen", "admin"]];
