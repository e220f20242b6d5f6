import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { loadConfig } from "../../src/config/load.js";

const folder = mkdtempSync(join(tmpdir(), "countersign-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function load(text: string, environment: NodeJS.ProcessEnv = {}) {
  const file = join(folder, "countersign.yaml");
  writeFileSync(file, text);
  return loadConfig(file, environment);
}

const defaults = {
  listen: { grpc: "127.0.0.1:9191", http: "127.0.0.1:9192" },
  public_url: "http://127.0.0.1:9192",
  workers: 1,
  store: "memory:",
  store_timeout: 250,
  on_store_failure: "deny",
  mode: "enforce",
  dry_run: false,
  unmatched: "deny",
  strip_credentials: true,
  max_body_bytes: 1_048_576,
  shutdown_grace: 10_000,
  policies: join(folder, "policies"),
  policy_history: { dir: join(folder, "var/policies"), keep: 50 },
  tools: join(folder, "tools.yaml"),
  agents: join(folder, "agents.yaml"),
  people: join(folder, "people.yaml"),
  identity: {
    issuer: {
      url: "http://127.0.0.1:9192",
      key_file: join(folder, "var/issuer.jwk"),
      audience: "countersign",
      token_ttl: 900_000,
      max_ttl: 3_600_000,
      accepted_keys: [],
    },
    trusted: [],
    spiffe: { trust_plaintext: false },
  },
  attestation: { required: false, max_age: 600_000, keys: [], key_file: join(folder, "var/issuer.jwk") },
  sessions: { ttl: 86_400_000, learning: 604_800_000, burst: { refusals: 5, within: 60_000 } },
  approvals: {
    key_file: join(folder, "var/issuer.jwk"),
    expires_in: 900_000,
    max_pending: 100,
    page: { session_ttl: 28_800_000 },
  },
  audit: { dir: join(folder, "var/audit"), key_file: join(folder, "var/audit.jwk"), durability: "write" },
  bundles: {},
  telemetry: { sampling: 1, slow_stage: 5, log: "json", log_level: "info" },
};

test.each(["", "# nothing\n", "{}", "identity: {issuer: {}}"])("everything has a default: %p", (text) => {
  expect(load(text)).toEqual(defaults);
});

test("every key is taken as it is written", () => {
  const text = `
listen:
  grpc: {address: "[::]:9191", tls: {cert_file: tls.crt, key_file: /etc/tls.key, client_ca_file: ../ca.crt}}
  http: "[::1]:8080"
public_url: https://countersign.example
workers: 1
store: rediss://user:password@redis.internal:6380/3
store_timeout: 1s
on_store_failure: deny
mode: shadow
dry_run: true
unmatched: passthrough
strip_credentials: false
max_body_bytes: 8388608
shutdown_grace: 1m
policies: rules
policy_history: {dir: old, keep: 3}
tools: /etc/countersign/tools.yaml
agents: ../agents.yaml
people: people/all.yaml
identity:
  issuer: {url: https://issuer.example, key_file: k/i.jwk, accepted_keys: [k/old.jwk, /k/next.jwk], audience: aud, token_ttl: 5m, max_ttl: 24h}
  trusted:
    - {for: exchange, issuer: https://ci.example, jwks: https://ci.example/jwks, audience: aud, algorithms: [RS256], agent: bot, when: claims.ref == "main", task: {service: shop, environment: {claim: [deploy, env]}}}
    - {for: people, issuer: https://id.example, jwks: k/id.json, audience: people, algorithms: [ES256, EdDSA], person: [login, mail]}
  spiffe: {trust_plaintext: true}
attestation: {required: true, max_age: 5m, keys: [{kid: obs-1, file: k/o.jwk}], key_file: k/att.jwk}
sessions: {ttl: 48h, learning: 0s, burst: {refusals: 3, within: 10s}}
approvals:
  key_file: k/a.jwk
  expires_in: 2h
  max_pending: 7
  page: {session_ttl: 1h, oidc: {issuer: https://id.example, client_id: people, client_secret_file: k/oidc, scopes: [openid]}}
  slack: {channel: C0123456789, bot_token_file: k/bot, signing_secret_file: /k/signing, team_id: T0123456789, api_url: "http://127.0.0.1:1/api/"}
  teams: {webhook_url_file: k/teams, link_ttl: 5m}
  webhook: {url: https://pager.example/hook, secret_file: k/webhook}
audit: {dir: /var/audit, key_file: k/audit.jwk, durability: fsync}
bundles: {key_file: k/bundle.jwk}
telemetry: {otlp: {url: "https://collector:4317", protocol: grpc, headers_file: otlp.headers}, sampling: 0.1, slow_stage: 20ms, log: "off", log_level: debug}
`;
  const above = join(folder, "..");
  expect(load(text)).toEqual({
    listen: {
      grpc: {
        address: "[::]:9191",
        tls: { cert_file: join(folder, "tls.crt"), key_file: "/etc/tls.key", client_ca_file: join(above, "ca.crt") },
      },
      http: "[::1]:8080",
    },
    public_url: "https://countersign.example",
    workers: 1,
    store: "rediss://user:password@redis.internal:6380/3",
    store_timeout: 1_000,
    on_store_failure: "deny",
    mode: "shadow",
    dry_run: true,
    unmatched: "passthrough",
    strip_credentials: false,
    max_body_bytes: 8_388_608,
    shutdown_grace: 60_000,
    policies: join(folder, "rules"),
    policy_history: { dir: join(folder, "old"), keep: 3 },
    tools: "/etc/countersign/tools.yaml",
    agents: join(above, "agents.yaml"),
    people: join(folder, "people/all.yaml"),
    identity: {
      issuer: {
        url: "https://issuer.example",
        key_file: join(folder, "k/i.jwk"),
        accepted_keys: [join(folder, "k/old.jwk"), "/k/next.jwk"],
        audience: "aud",
        token_ttl: 300_000,
        max_ttl: 86_400_000,
      },
      trusted: [
        {
          for: "exchange",
          issuer: "https://ci.example",
          jwks: "https://ci.example/jwks",
          audience: "aud",
          algorithms: ["RS256"],
          max_ttl: 3_600_000,
          agent: "bot",
          when: 'claims.ref == "main"',
          claims: {},
          task: { service: ["shop"], environment: { claim: ["deploy", "env"] } },
        },
        {
          for: "people",
          issuer: "https://id.example",
          jwks: join(folder, "k/id.json"),
          audience: "people",
          algorithms: ["ES256", "EdDSA"],
          max_ttl: 3_600_000,
          person: ["login", "mail"],
        },
      ],
      spiffe: { trust_plaintext: true },
    },
    attestation: {
      required: true,
      max_age: 300_000,
      keys: [{ kid: "obs-1", file: join(folder, "k/o.jwk") }],
      key_file: join(folder, "k/att.jwk"),
    },
    sessions: { ttl: 172_800_000, learning: 0, burst: { refusals: 3, within: 10_000 } },
    approvals: {
      key_file: join(folder, "k/a.jwk"),
      expires_in: 7_200_000,
      max_pending: 7,
      page: {
        session_ttl: 3_600_000,
        oidc: {
          issuer: "https://id.example",
          client_id: "people",
          client_secret_file: join(folder, "k/oidc"),
          scopes: ["openid"],
        },
      },
      slack: {
        channel: "C0123456789",
        bot_token_file: join(folder, "k/bot"),
        signing_secret_file: "/k/signing",
        team_id: "T0123456789",
        api_url: "http://127.0.0.1:1/api/",
      },
      teams: { webhook_url_file: join(folder, "k/teams"), link_ttl: 300_000 },
      webhook: { url: "https://pager.example/hook", secret_file: join(folder, "k/webhook") },
    },
    audit: { dir: "/var/audit", key_file: join(folder, "k/audit.jwk"), durability: "fsync" },
    bundles: { key_file: join(folder, "k/bundle.jwk") },
    telemetry: {
      otlp: { url: "https://collector:4317", protocol: "grpc", headers_file: join(folder, "otlp.headers") },
      sampling: 0.1,
      slow_stage: 20,
      log: "off",
      log_level: "debug",
    },
  });
});

test("approvals and attestations are signed with the issuer's key where they have none", () => {
  const { approvals, attestation } = load("identity: {issuer: {key_file: own/i.jwk}}");
  expect([approvals.key_file, attestation.key_file]).toEqual(Array(2).fill(join(folder, "own/i.jwk")));
});

test("a session is remembered for a day, or for as long as its tokens may live", () => {
  expect(load("identity: {issuer: {max_ttl: 7d}}").sessions.ttl).toBe(604_800_000);
  expect(load("identity: {issuer: {max_ttl: 2h}}").sessions.ttl).toBe(86_400_000);
});

test("a bundle is named with what it must be signed with; paths are relative, and a URL stays as it is", () => {
  const file = "policies: {bundle: b/x.tar.gz, key_file: k/bundle.pub.pem}";
  expect(load(file).policies).toEqual({
    bundle: join(folder, "b/x.tar.gz"),
    key_file: join(folder, "k/bundle.pub.pem"),
  });
  const place = '{bundle: "https://bundles.example/x.tar.gz", key_file: k.jwk, poll: 30s, token_file: t}';
  const loaded = {
    bundle: "https://bundles.example/x.tar.gz",
    key_file: join(folder, "k.jwk"),
    poll: 30_000,
    token_file: join(folder, "t"),
  };
  expect(load(`policies: ${place}`).policies).toEqual(loaded);
  expect(load("", { COUNTERSIGN_POLICIES: place }).policies).toEqual(loaded);
});

test.each(["http://127.0.0.1:9192/x", "http://localhost/x", "http://[::1]:80/x", "https://bundles.example/x"])(
  "a token may go to %s",
  (url) => {
    expect(() => load(`policies: {bundle: "${url}", key_file: k.jwk, token_file: t}`)).not.toThrow();
  },
);

test.each([
  ["unix:/run/countersign.sock", "unix:/run/countersign.sock"],
  ["unix:./run/c.sock", `unix:${join(folder, "run/c.sock")}`],
  ["unix:c.sock", `unix:${join(folder, "c.sock")}`],
])("the socket %s is relative to the file", (written, wanted) => {
  expect(load(`listen: {grpc: "${written}"}`).listen.grpc).toBe(wanted);
  expect(load("", { COUNTERSIGN_LISTEN_GRPC: written }).listen.grpc).toBe(wanted);
});

test("paths are relative to the file, not to where the program runs", () => {
  const below = join(folder, "below");
  mkdirSync(below, { recursive: true });
  writeFileSync(join(below, "c.yaml"), "tools: t.yaml");
  expect(loadConfig(relative(process.cwd(), join(below, "c.yaml")), {}).tools).toBe(join(below, "t.yaml"));
});

test.each<[string, unknown]>([
  [
    "{url: 'rediss://redis:6380/3', tls: {ca_file: tls/ca.crt, cert_file: /c.crt, key_file: c.key}}",
    {
      url: "rediss://redis:6380/3",
      tls: { ca_file: join(folder, "tls/ca.crt"), cert_file: "/c.crt", key_file: join(folder, "c.key") },
    },
  ],
  ["{url: 'redis://redis'}", { url: "redis://redis" }],
  ["{cluster: ['a:1'], tls: true}", { cluster: ["a:1"], tls: true }],
  [
    "{cluster: ['a:1', 'b:2'], password_file: ../pw}",
    { cluster: ["a:1", "b:2"], password_file: join(folder, "../pw") },
  ],
])("the files of a store are relative to the configuration: %s", (written, wanted) => {
  expect(load(`store: ${written}`).store).toEqual(wanted);
});
