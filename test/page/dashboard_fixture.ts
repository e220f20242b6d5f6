import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { loadConfig } from "../../src/config/load.js";
import { generateKey, type KeyUse, writeKeyFile } from "../../src/keys/keys.js";
import { type RunningServer, startServer } from "../../src/server.js";
import { hash } from "../approvals/fixture.js";
import { type Visit, visit } from "../harness/browser.js";
import { type Answer, send } from "../harness/http.js";
import { freePort } from "../harness/process.js";
import { signIn } from "./browser_fixture.js";

/** People by their access; the token of each is `token-<access>`. */
const accesses = ["viewer", "auditor", "approver", "admin"] as const;
const agents = ["deploy-manager", "tried-out", "constructor", "idle"];
const keys: Record<string, KeyUse> = {
  issuer: "issuer",
  approvals: "approvals",
  attestation: "attestation",
  audit: "audit",
};
const actions = [
  { name: "run", max_jobs: 5, approval_needed: 'env == "production"', cost: 10 },
  { name: "fetch", sanitize: { headers: { set: { "x-team": "sre" } } } },
];

/** A real server with files and an audit trail of its own, and what visitors of its page do. */
export interface Dashboard {
  base: string;
  /** The audit directory. */
  audit: string;
  /** One call of an agent; gives the answer. */
  call(agent: string | null, call: object): Promise<Answer>;
  ask(access: (typeof accesses)[number], path: string): Promise<Answer>;
  arrive(options?: BrowserContextOptions): Promise<Page>;
  signedIn(at?: string, access?: (typeof accesses)[number], options?: BrowserContextOptions): Promise<Page>;
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
  /** What went wrong in any page so far. */
  trouble(): string[];
  close(): Promise<void>;
}

export async function startDashboard(browser: Browser, before?: (audit: string) => Promise<void>): Promise<Dashboard> {
  const dir = await mkdtemp(join(tmpdir(), "countersign-dashboard-"));
  const [http, grpc] = [await freePort(), await freePort()];
  const base = `http://127.0.0.1:${http}`;
  const audit = join(dir, "var", "audit");
  await writeFiles(dir, { http, grpc, base });
  await before?.(audit);
  const visits: Visit[] = [];
  let server: RunningServer | null = null;
  const made: Dashboard = {
    base,
    audit,
    call: (agent, call) =>
      send(`${base}/v1/check`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(agent === null ? {} : { "x-api-key": `key-${agents.indexOf(agent)}` }),
        },
        body: JSON.stringify(call),
      }),
    ask: (access, path) => send(`${base}${path}`, { headers: { authorization: `Bearer token-${access}` } }),
    async arrive(options) {
      const one = await visit(browser, base, options);
      visits.push(one);
      return one.page;
    },
    async signedIn(at = "/dashboard", access = "admin", options = {}) {
      const page = await made.arrive(options);
      await page.goto(at);
      await signIn(page, `token-${access}`, "Your token");
      return page;
    },
    async startServer() {
      server = await startServer(loadConfig(join(dir, "countersign.yaml"), {}), { log: pino({ level: "silent" }) });
    },
    async stopServer() {
      await server?.stop();
      server = null;
    },
    trouble: () => visits.flatMap(({ trouble }) => trouble),
    async close() {
      await Promise.all(visits.map((one) => one.close()));
      await made.stopServer();
      await rm(dir, { recursive: true, force: true });
    },
  };
  await made.startServer();
  return made;
}

async function writeFiles(dir: string, { http, grpc, base }: { http: number; grpc: number; base: string }) {
  const own = (agent: string, more: object = {}) => ({ agent, actions, limits: { daily_budget: 100 }, ...more });
  const files: Record<string, object> = {
    "countersign.yaml": {
      listen: { http: `127.0.0.1:${http}`, grpc: `127.0.0.1:${grpc}` },
      public_url: base,
      shutdown_grace: "1s",
    },
    "tools.yaml": { tools: [{ name: "shell", protocol: "check", classification: ["config"] }] },
    "agents.yaml": {
      agents: agents.map((id, i) => ({ id, scopes: ["shell:*"], api_keys: [{ sha256: hash(`key-${i}`) }] })),
    },
    "people.yaml": {
      people: accesses.map((access) => ({
        id: `${access}@example.com`,
        access: [access],
        tokens: [{ sha256: hash(`token-${access}`) }],
      })),
    },
    "policies/a.yaml": own("deploy-manager"),
    "policies/b.yaml": own("tried-out", { mode: "shadow" }),
    "policies/c.yaml": own(agents[2] ?? ""),
  };
  await mkdir(join(dir, "policies"), { recursive: true });
  for (const [name, value] of Object.entries(files)) await writeFile(join(dir, name), JSON.stringify(value));
  for (const [name, use] of Object.entries(keys))
    await writeKeyFile(join(dir, "var", `${name}.jwk`), generateKey("OKP", use));
}

/** An agent that is called as something every object has. */
export const hostileAgent = agents[2] ?? "";

/** A call with everything that matters in it. */
export const run = (jobs: number, more: object = {}) => ({
  tool: "shell",
  action: "run",
  environment: "staging",
  params: { jobs },
  ...more,
});
