import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UnknownVariable, variables } from "../../src/config/environment.js";
import { loadConfig } from "../../src/config/load.js";
import { InvalidFile } from "../../src/files/located_yaml.js";

const folder = mkdtempSync(join(tmpdir(), "countersign-environment-"));
const file = join(folder, "countersign.yaml");
afterAll(() => rmSync(folder, { recursive: true }));

function load(environment: NodeJS.ProcessEnv, text = "") {
  writeFileSync(file, text);
  return loadConfig(file, environment);
}

function mistakes(environment: NodeJS.ProcessEnv, text = ""): string[] {
  try {
    load(environment, text);
  } catch (error) {
    if (error instanceof InvalidFile) return error.message.split("\n");
    throw error;
  }
  return [];
}

interface Setting {
  /** In the file, to be overruled. */
  file: string;
  environment: string;
  wanted: unknown;
}

const path = (name: string): Setting => ({
  file: `${name}-1`,
  environment: `${name}-2`,
  wanted: join(folder, `${name}-2`),
});
const text = (one: string, two: string): Setting => ({ file: JSON.stringify(one), environment: two, wanted: two });
const only = (value: string | number): Setting => ({ file: `${value}`, environment: `${value}`, wanted: value });
const time = (one: string, two: string, wanted: number): Setting => ({ file: one, environment: two, wanted });

const settings: Record<string, Setting> = {
  COUNTERSIGN_LISTEN_GRPC: text("127.0.0.1:1", "[::1]:2"),
  COUNTERSIGN_LISTEN_HTTP: text("127.0.0.1:1", "[::1]:2"),
  COUNTERSIGN_PUBLIC_URL: text("http://one", "http://two"),
  COUNTERSIGN_WORKERS: only(1),
  COUNTERSIGN_STORE: text("redis://one", "memory:"),
  COUNTERSIGN_STORE_TIMEOUT: time("1ms", "2ms", 2),
  COUNTERSIGN_ON_STORE_FAILURE: only("deny"),
  COUNTERSIGN_MODE: text("enforce", "shadow"),
  COUNTERSIGN_DRY_RUN: { file: "false", environment: "true", wanted: true },
  COUNTERSIGN_UNMATCHED: text("deny", "passthrough"),
  COUNTERSIGN_STRIP_CREDENTIALS: { file: "true", environment: "false", wanted: false },
  COUNTERSIGN_MAX_BODY_BYTES: { file: "1", environment: "2", wanted: 2 },
  COUNTERSIGN_SHUTDOWN_GRACE: time("1s", "2s", 2_000),
  COUNTERSIGN_POLICIES: path("policies"),
  COUNTERSIGN_POLICY_HISTORY_DIR: path("versions"),
  COUNTERSIGN_POLICY_HISTORY_KEEP: { file: "1", environment: "2", wanted: 2 },
  COUNTERSIGN_TOOLS: path("tools"),
  COUNTERSIGN_AGENTS: path("agents"),
  COUNTERSIGN_PEOPLE: path("people"),
  COUNTERSIGN_IDENTITY_ISSUER_URL: text("http://one", "http://two"),
  COUNTERSIGN_IDENTITY_ISSUER_KEY_FILE: path("issuer"),
  COUNTERSIGN_IDENTITY_ISSUER_ACCEPTED_KEYS: {
    file: "[old-1]",
    environment: "[old-2, next-2]",
    wanted: [join(folder, "old-2"), join(folder, "next-2")],
  },
  COUNTERSIGN_IDENTITY_ISSUER_AUDIENCE: text("one", "2"),
  COUNTERSIGN_IDENTITY_ISSUER_TOKEN_TTL: time("1m", "2m", 120_000),
  COUNTERSIGN_IDENTITY_ISSUER_MAX_TTL: time("1h", "2h", 7_200_000),
  COUNTERSIGN_IDENTITY_TRUSTED: {
    file: "[]",
    environment:
      "[{for: people, issuer: https://id.example, jwks: keys.json, audience: countersign-people, algorithms: [ES256]}]",
    wanted: [
      {
        for: "people",
        issuer: "https://id.example",
        jwks: join(folder, "keys.json"),
        audience: "countersign-people",
        algorithms: ["ES256"],
        max_ttl: 3_600_000,
        person: "email",
      },
    ],
  },
  COUNTERSIGN_IDENTITY_SPIFFE_TRUST_PLAINTEXT: { file: "false", environment: "true", wanted: true },
  COUNTERSIGN_ATTESTATION_REQUIRED: { file: "false", environment: "true", wanted: true },
  COUNTERSIGN_ATTESTATION_MAX_AGE: time("1m", "2m", 120_000),
  COUNTERSIGN_ATTESTATION_KEYS: {
    file: "[]",
    environment: "[{kid: obs-1, file: observer.jwk}]",
    wanted: [{ kid: "obs-1", file: join(folder, "observer.jwk") }],
  },
  COUNTERSIGN_ATTESTATION_KEY_FILE: path("attestation"),
  COUNTERSIGN_SESSIONS_TTL: time("1h", "2h", 7_200_000),
  COUNTERSIGN_SESSIONS_LEARNING: time("1h", "0s", 0),
  COUNTERSIGN_SESSIONS_BURST_REFUSALS: { file: "3", environment: "4", wanted: 4 },
  COUNTERSIGN_SESSIONS_BURST_WITHIN: time("1m", "2m", 120_000),
  COUNTERSIGN_APPROVALS_KEY_FILE: path("approvals"),
  COUNTERSIGN_APPROVALS_EXPIRES_IN: time("1h", "2h", 7_200_000),
  COUNTERSIGN_APPROVALS_MAX_PENDING: { file: "1", environment: "2", wanted: 2 },
  COUNTERSIGN_AUDIT_DIR: path("audit"),
  COUNTERSIGN_AUDIT_KEY_FILE: path("key"),
  COUNTERSIGN_AUDIT_DURABILITY: text("write", "fsync"),
  COUNTERSIGN_BUNDLES_KEY_FILE: path("bundles"),
  COUNTERSIGN_TELEMETRY_OTLP: text("http://one", "http://two"),
  COUNTERSIGN_TELEMETRY_LOG: text("json", "off"),
  COUNTERSIGN_TELEMETRY_LOG_LEVEL: text("info", "debug"),
};

test("every key that is no map has a variable", () => {
  expect(variables().map(({ name }) => name)).toEqual(Object.keys(settings));
});

test.each(variables())("$name stands over the file", ({ name, path }) => {
  const setting = settings[name] as Setting;
  const written = path.reduceRight((inner, key) => `{${key}: ${inner}}`, setting.file);
  const at = (config: object) => path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], config);
  if (setting.file !== setting.environment) expect(at(load({}, written))).not.toEqual(setting.wanted);
  expect(at(load({ [name]: setting.environment }, written))).toEqual(setting.wanted);
  expect(at(load({ [name]: setting.environment }))).toEqual(setting.wanted);
});

test("a variable changes nothing but its key", () => {
  const text = `listen: {http: "127.0.0.1:1"}\nmode: shadow\n`;
  const [before, after] = [load({}, text), load({ COUNTERSIGN_LISTEN_GRPC: "127.0.0.1:2" }, text)];
  expect(after).toEqual({ ...before, listen: { ...before.listen, grpc: "127.0.0.1:2" } });
});

test("a variable may hold a map as YAML where its key takes one", () => {
  const tls = "{cert_file: a, key_file: b, client_ca_file: c}";
  expect(load({ COUNTERSIGN_LISTEN_GRPC: `{address: "0.0.0.0:1", tls: ${tls}}` }).listen.grpc).toEqual({
    address: "0.0.0.0:1",
    tls: { cert_file: join(folder, "a"), key_file: join(folder, "b"), client_ca_file: join(folder, "c") },
  });
});

test.each([
  ["COUNTERSIGN_DRY_RUN", "yes", "dry_run: expected true or false, not a text"],
  ["COUNTERSIGN_DRY_RUN", "", "dry_run: empty: expected true or false"],
  ["COUNTERSIGN_MODE", "audit", `mode: expected enforce or shadow, not "audit"`],
  ["COUNTERSIGN_MAX_BODY_BYTES", "many", "max_body_bytes: expected a number, not a text"],
  ["COUNTERSIGN_LISTEN_HTTP", "[::1", "listen.http: write an address as host:port, for example 127.0.0.1:9192"],
  ["COUNTERSIGN_LISTEN_GRPC", "nowhere", "listen.grpc: write host:port, unix:/path or {address, tls}"],
  ["COUNTERSIGN_LISTEN_GRPC", "{address: 'a:1', tls: {}}", "listen.grpc.tls.cert_file: write a path"],
  ["COUNTERSIGN_STORE", "redis:", "store: write memory:, redis://host:port/database or rediss://host:port/database"],
  ["COUNTERSIGN_TELEMETRY_OTLP", "", "telemetry.otlp: write an http:// or https:// URL"],
  ["COUNTERSIGN_TOOLS", "", "tools: write a path"],
])("a bad value is the variable's mistake: %s=%s", (name, value, message) => {
  expect(mistakes({ [name]: value }, "# a file\n\nmode: enforce\n")[0]).toBe(`$${name}:1:1: ${message}`);
});

test("a mistake of the file stays the file's, whatever the environment says beside it", () => {
  expect(mistakes({ COUNTERSIGN_LISTEN_HTTP: "127.0.0.1:1" }, "listen: 5\n")).toEqual([
    `${file}:1:9: listen: expected a map, not a number`,
  ]);
  expect(mistakes({ COUNTERSIGN_MODE: "shadow" }, "- a\n")).toEqual([`${file}:1:1: expected a map, not a list`]);
  expect(mistakes({ COUNTERSIGN_MODE: "shadow" }, "dry_run: 1\n")).toEqual([
    `${file}:1:10: dry_run: expected true or false, not a number`,
  ]);
});

test.each([
  "COUNTERSIGN_LISTEN",
  "COUNTERSIGN_DRYRUN",
  "COUNTERSIGN_AUDIT_S3",
  "COUNTERSIGN_LISTEN_GRPC_ADDRESS",
  "COUNTERSIGN_",
])("%s names no key, which is an error", (name) => {
  expect(() => load({ [name]: "x" })).toThrow(new UnknownVariable(name));
  expect(new UnknownVariable(name).message).toBe(
    `the environment variable ${name} names no key of the configuration; see docs/configuration.md`,
  );
});

test("variables that are none of ours do not matter", () => {
  const before = load({});
  expect(load({ PATH: "/bin", countersign_mode: "x", COUNTERSIGN: "x", COUNTERSIGN_CONFIG: "x" })).toEqual(before);
  expect(load({ COUNTERSIGN_TOKEN: "x" })).toEqual(before);
});

test("a pod beside a Service called countersign starts all the same", () => {
  const links = {
    COUNTERSIGN_SERVICE_HOST: "10.0.0.1",
    COUNTERSIGN_SERVICE_PORT: "9191",
    COUNTERSIGN_SERVICE_PORT_GRPC: "9191",
    COUNTERSIGN_PORT: "tcp://10.0.0.1:9191",
    COUNTERSIGN_PORT_9191_TCP: "tcp://10.0.0.1:9191",
    COUNTERSIGN_PORT_9191_TCP_ADDR: "10.0.0.1",
    COUNTERSIGN_PORT_9191_TCP_PORT: "9191",
    COUNTERSIGN_PORT_9191_TCP_PROTO: "tcp",
    COUNTERSIGN_HTTP_SERVICE_HOST: "10.0.0.2",
    COUNTERSIGN_HTTP_PORT: "tcp://10.0.0.2:9192",
  };
  expect(load(links)).toEqual(load({}));
});
