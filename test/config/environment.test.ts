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
  /** What its map cannot be without, in the file. */
  beside?: Record<string, string>;
  /** What the rest of the file has to say for it. */
  elsewhere?: string;
}

const path = (name: string): Setting => ({
  file: `${name}-1`,
  environment: `${name}-2`,
  wanted: join(folder, `${name}-2`),
});
const text = (one: string, two: string): Setting => ({ file: JSON.stringify(one), environment: two, wanted: two });
const only = (value: string | number): Setting => ({ file: `${value}`, environment: `${value}`, wanted: value });
const time = (one: string, two: string, wanted: number): Setting => ({ file: one, environment: two, wanted });

const within = (beside: Record<string, string>, setting: Setting): Setting => ({ ...setting, beside });

const trusted = ["one", "two"].flatMap((issuer) =>
  ["one", "two"].map(
    (audience) => `{for: people, issuer: https://${issuer}, jwks: k, audience: ${audience}, algorithms: [ES256]}`,
  ),
);
const ofPage = (setting: Setting): Setting => ({
  ...within({ issuer: "https://one", client_id: "one" }, setting),
  elsewhere: `identity: {trusted: [${trusted}]}, `,
});
const slack = { channel: "C0123456789", bot_token_file: "bot", signing_secret_file: "signing" };
const teams = { webhook_url_file: "url" };
const webhook = { url: "https://one", secret_file: "secret" };

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
  COUNTERSIGN_APPROVALS_PAGE_SESSION_TTL: time("1h", "2h", 7_200_000),
  COUNTERSIGN_APPROVALS_PAGE_OIDC_ISSUER: ofPage(text("https://one", "https://two")),
  COUNTERSIGN_APPROVALS_PAGE_OIDC_CLIENT_ID: ofPage(text("one", "two")),
  COUNTERSIGN_APPROVALS_PAGE_OIDC_CLIENT_SECRET_FILE: ofPage(path("client")),
  COUNTERSIGN_APPROVALS_PAGE_OIDC_SCOPES: ofPage({
    file: "[openid]",
    environment: "[openid, profile]",
    wanted: ["openid", "profile"],
  }),
  COUNTERSIGN_APPROVALS_SLACK_CHANNEL: within(slack, text("C0123456789", "C0123456780")),
  COUNTERSIGN_APPROVALS_SLACK_BOT_TOKEN_FILE: within(slack, path("bot")),
  COUNTERSIGN_APPROVALS_SLACK_SIGNING_SECRET_FILE: within(slack, path("signing")),
  COUNTERSIGN_APPROVALS_SLACK_TEAM_ID: within(slack, text("T0123456789", "T0123456780")),
  COUNTERSIGN_APPROVALS_SLACK_API_URL: within(slack, text("https://one", "http://127.0.0.1:1")),
  COUNTERSIGN_APPROVALS_TEAMS_WEBHOOK_URL_FILE: within(teams, path("url")),
  COUNTERSIGN_APPROVALS_TEAMS_LINK_TTL: within(teams, time("1h", "2h", 7_200_000)),
  COUNTERSIGN_APPROVALS_WEBHOOK_URL: within(webhook, text("https://one", "http://127.0.0.1:1")),
  COUNTERSIGN_APPROVALS_WEBHOOK_SECRET_FILE: within(webhook, path("secret")),
  COUNTERSIGN_AUDIT_DIR: path("audit"),
  COUNTERSIGN_AUDIT_KEY_FILE: path("key"),
  COUNTERSIGN_AUDIT_ACCEPTED_KEYS: { file: "[old-1]", environment: "[old-2]", wanted: [join(folder, "old-2")] },
  COUNTERSIGN_AUDIT_DURABILITY: text("write", "fsync"),
  COUNTERSIGN_AUDIT_SEGMENT_MAX_BYTES: { file: "1048576", environment: "1048577", wanted: 1_048_577 },
  COUNTERSIGN_AUDIT_SEGMENT_MAX_AGE: time("1m", "2m", 120_000),
  COUNTERSIGN_AUDIT_HEADS_EVERY: time("1s", "2s", 2_000),
  COUNTERSIGN_AUDIT_REFUSALS_WHOLE: { file: "1", environment: "0", wanted: 0 },
  COUNTERSIGN_AUDIT_REFUSALS_WITHIN: time("1s", "2s", 2_000),
  COUNTERSIGN_AUDIT_S3_BUCKET: text("one", "two"),
  COUNTERSIGN_AUDIT_S3_ENDPOINT: within({ bucket: "one" }, text("http://one", "https://two")),
  COUNTERSIGN_AUDIT_S3_REGION: within({ bucket: "one" }, text("one", "two")),
  COUNTERSIGN_AUDIT_S3_PREFIX: within({ bucket: "one" }, text("one", "two/2")),
  COUNTERSIGN_AUDIT_S3_RETENTION_DAYS: within({ bucket: "one" }, { file: "1", environment: "2", wanted: 2 }),
  COUNTERSIGN_AUDIT_S3_PATH_STYLE: within({ bucket: "one" }, { file: "true", environment: "false", wanted: false }),
  COUNTERSIGN_BUNDLES_KEY_FILE: path("bundles"),
  COUNTERSIGN_TELEMETRY_OTLP: {
    file: "http://one",
    environment: "{url: https://two, protocol: grpc, headers_file: h}",
    wanted: { url: "https://two", protocol: "grpc", headers_file: join(folder, "h") },
  },
  COUNTERSIGN_TELEMETRY_SAMPLING: { file: "1", environment: "0.5", wanted: 0.5 },
  COUNTERSIGN_TELEMETRY_SLOW_STAGE: time("1ms", "2ms", 2),
  COUNTERSIGN_TELEMETRY_LOG: text("json", "off"),
  COUNTERSIGN_TELEMETRY_LOG_LEVEL: text("info", "debug"),
};

test("every key that is no map has a variable", () => {
  expect(variables().map(({ name }) => name)).toEqual(Object.keys(settings));
});

test.each(variables())("$name stands over the file", ({ name, path }) => {
  const setting = settings[name] as Setting;
  const key = path.at(-1) ?? "";
  const beside = Object.entries(setting.beside ?? {}).filter(([other]) => other !== key);
  const file = (...members: (readonly [string, string])[]): string => {
    const map = `{${[...beside, ...members].map((member) => member.join(": ")).join(", ")}}`;
    const whole = path.slice(0, -1).reduceRight((inner, step) => `{${step}: ${inner}}`, map);
    return whole.replace("{", `{${setting.elsewhere ?? ""}`);
  };
  const written = file([key, setting.file]);
  const at = (config: object) => path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], config);
  if (setting.file !== setting.environment) expect(at(load({}, written))).not.toEqual(setting.wanted);
  expect(at(load({ [name]: setting.environment }, written))).toEqual(setting.wanted);
  expect(at(load({ [name]: setting.environment }, file()))).toEqual(setting.wanted);
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

test("so may the store's", () => {
  const store = "{cluster: ['redis-1:6379', '[::1]:6379'], username: cs, password_file: pw, tls: {ca_file: /ca.crt}}";
  expect(load({ COUNTERSIGN_STORE: store }).store).toEqual({
    cluster: ["redis-1:6379", "[::1]:6379"],
    username: "cs",
    password_file: join(folder, "pw"),
    tls: { ca_file: "/ca.crt" },
  });
});

test.each([
  ["COUNTERSIGN_DRY_RUN", "yes", "dry_run: expected true or false, not a text"],
  ["COUNTERSIGN_DRY_RUN", "", "dry_run: empty: expected true or false"],
  ["COUNTERSIGN_MODE", "audit", `mode: expected enforce or shadow, not "audit"`],
  ["COUNTERSIGN_MAX_BODY_BYTES", "many", "max_body_bytes: expected a number, not a text"],
  ["COUNTERSIGN_LISTEN_HTTP", "[::1", "listen.http: write an address as host:port, for example 127.0.0.1:9192"],
  [
    "COUNTERSIGN_LISTEN_GRPC",
    "nowhere",
    "listen.grpc: write host:port, unix:/path or {address, tls}, or a list of them: one for each worker",
  ],
  ["COUNTERSIGN_LISTEN_GRPC", "{address: 'a:1', tls: {}}", "listen.grpc.tls.cert_file: write a path"],
  [
    "COUNTERSIGN_STORE",
    "sqlite.db",
    "store: write memory:, redis://host:port/database or rediss://host:port/database, {url, tls} or {cluster, ...}",
  ],
  ["COUNTERSIGN_STORE", "{cluster: [redis-1]}", "store.cluster[0]: write host:port of a node"],
  ["COUNTERSIGN_TELEMETRY_OTLP", "", "telemetry.otlp: write a URL, or {url, protocol, headers_file}"],
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
