import { z } from "zod";
import { parseDuration } from "../duration.js";

/** A duration in milliseconds, written as `250ms`, `15m`, `24h`, and within the bounds, which are written so too. */
function duration(least: string, most: string) {
  const [min, max] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
  const form = "write a duration as 250ms, 15m or 24h";
  return z.string(form).transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms >= min && ms <= max) return ms;
    context.addIssue({ code: "custom", message: ms === null ? form : `must be from ${least} to ${most}` });
    return z.NEVER;
  });
}

const url = z.url({ protocol: /^https?$/, error: "write an http:// or https:// URL" });

/** Of a file or folder. */
const path = z.string("write a path").min(1, "write a path");

const address = z
  .string("write an address as host:port, for example 127.0.0.1:9192")
  .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, "write an address as host:port, for example 127.0.0.1:9192")
  .refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, "a port is at most 65535");

const grpcAddress = z.union([z.string().regex(/^unix:.+/), address]);

const tls = z.strictObject({ cert_file: path, key_file: path, client_ca_file: path });

const storeForm = "write memory:, redis://host:port/database or rediss://host:port/database";

const issuer = z
  .strictObject({
    url: url.default("http://127.0.0.1:9192"),
    key_file: path.default("./var/issuer.jwk"),
    audience: z.string().min(1, "must not be empty").default("countersign"),
    token_ttl: duration("1s", "365d").prefault("15m"),
    max_ttl: duration("1s", "365d").prefault("1h"),
  })
  .refine((value) => value.token_ttl <= value.max_ttl, {
    path: ["token_ttl"],
    message: "tokens would live longer than `max_ttl` permits",
  });

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
  store: z
    .string(storeForm)
    .regex(/^(memory:$|rediss?:\/\/.)/, storeForm)
    .default("memory:"),
  store_timeout: duration("1ms", "1m").prefault("250ms"),
  on_store_failure: z.literal("deny", { error: "this version knows only `deny`" }).default("deny"),
  mode: z.enum(["enforce", "shadow"]).default("enforce"),
  dry_run: z.boolean().default(false),
  unmatched: z.enum(["deny", "passthrough"]).default("deny"),
  strip_credentials: z.boolean().default(true),
  max_body_bytes: z.int().min(1).max(8_388_608).default(1_048_576),
  shutdown_grace: duration("1ms", "1h").prefault("10s"),
  policies: z.string("write a path; this version does not fetch bundles").min(1, "write a path").default("./policies"),
  tools: path.default("./tools.yaml"),
  agents: path.default("./agents.yaml"),
  people: path.default("./people.yaml"),
  identity: z.strictObject({ issuer: issuer.prefault({}) }).prefault({}),
  approvals: z
    .strictObject({ key_file: path.optional(), expires_in: duration("1s", "365d").prefault("15m") })
    .prefault({}),
  audit: z
    .strictObject({
      dir: path.default("./var/audit"),
      key_file: path.default("./var/audit.jwk"),
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
