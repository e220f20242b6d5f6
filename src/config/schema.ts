import { z } from "zod";
import { parseDuration } from "../duration.js";

/** A duration in milliseconds, written as `250ms`, `15m`, `24h`. */
const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  context.addIssue({ code: "custom", message: "write a duration as 250ms, 15m or 24h" });
  return z.NEVER;
});

const url = z.url({ protocol: /^https?$/, error: "write an http:// or https:// URL" });

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, "write an address as host:port, for example 127.0.0.1:9192");

const grpcAddress = z.union([z.string().regex(/^unix:.+/, "write a socket as unix:/path"), address], {
  error: "write host:port or unix:/path",
});

const tls = z.strictObject({ cert_file: z.string(), key_file: z.string(), client_ca_file: z.string() });

/** What `countersign.yaml` may say, with its defaults. Paths are still as written. */
export const configSchema = z.strictObject({
  listen: z
    .strictObject({
      grpc: z
        .union([grpcAddress, z.strictObject({ address, tls })], {
          error: "write host:port, unix:/path or {address, tls}",
        })
        .default("127.0.0.1:9191"),
      http: address.default("127.0.0.1:9192"),
    })
    .prefault({}),
  public_url: url.default("http://127.0.0.1:9192"),
  workers: z
    .literal(1, { error: "this version runs one worker: start more processes with a redis store instead" })
    .default(1),
  store: z.string().default("memory:"),
  store_timeout: duration.prefault("250ms"),
  on_store_failure: z.literal("deny", { error: "this version knows only `deny`" }).default("deny"),
  mode: z.enum(["enforce", "shadow"]).default("enforce"),
  dry_run: z.boolean().default(false),
  unmatched: z.enum(["deny", "passthrough"]).default("deny"),
  strip_credentials: z.boolean().default(true),
  max_body_bytes: z.int().min(1).max(8_388_608).default(1_048_576),
  shutdown_grace: duration.prefault("10s"),
  policies: z.string().default("./policies"),
  tools: z.string().default("./tools.yaml"),
  agents: z.string().default("./agents.yaml"),
  people: z.string().default("./people.yaml"),
  identity: z
    .strictObject({
      issuer: z
        .strictObject({
          url: url.default("http://127.0.0.1:9192"),
          key_file: z.string().default("./var/issuer.jwk"),
          audience: z.string().min(1).default("countersign"),
          token_ttl: duration.prefault("15m"),
          max_ttl: duration.prefault("1h"),
        })
        .prefault({}),
    })
    .prefault({}),
  approvals: z.strictObject({ key_file: z.string().optional(), expires_in: duration.prefault("15m") }).prefault({}),
  audit: z
    .strictObject({
      dir: z.string().default("./var/audit"),
      key_file: z.string().default("./var/audit.jwk"),
      durability: z.enum(["write", "fsync"]).default("write"),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      otlp: url.optional(),
      log: z.enum(["json", "off"]).default("json"),
      log_level: z.enum(["debug", "info", "warn", "error"]).default("info"),
    })
    .prefault({}),
});

/** A validated configuration; durations in milliseconds, file paths absolute once `loadConfig` has resolved them. */
export type Config = Written & { approvals: { key_file: string } };

/** The same before paths are resolved. */
export type Written = z.output<typeof configSchema>;

/**
 * Keys that the contract of the configuration names and this version does not act on. To accept them would promise
 * protection or messages that nobody gives, so they are errors with a word of their own.
 */
export const notYet: readonly (readonly string[])[] = [
  ["listen", "admin"],
  ["identity", "trusted"],
  ["identity", "spiffe"],
  ["attestation"],
  ["approvals", "slack"],
  ["approvals", "teams"],
  ["approvals", "webhook"],
  ["audit", "s3"],
];
