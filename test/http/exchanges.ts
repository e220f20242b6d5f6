import { StoreUnavailable } from "../../src/store/store.js";
import type { UsageView } from "../../src/usage/usage.js";
import { remember } from "../attestation/remember.js";
import { operations } from "../harness/openapi/operations.js";
import { audits } from "./exchanges_audit.js";
import { page } from "./exchanges_page.js";
import { policies } from "./exchanges_policies.js";
import { slackClicks } from "./exchanges_slack.js";
import { type Answer, type Api, api, as, session } from "./fixture.js";
import type { Headers, More, Open, Route, Send } from "./scene.js";

export type { Route } from "./scene.js";

/** One request that was sent, and what came back. */
export interface Exchange {
  route: Route;
  /** What was special about it. */
  about: string;
  answer: Answer;
}

const json = { "content-type": "application/json" };
const form = { "content-type": "application/x-www-form-urlencoded" };
const routes = Object.keys(operations) as Route[];
const large = JSON.stringify({ comment: "x".repeat(70_000) });

const scenes = {
  page,
  everybody,
  checks,
  approvals,
  sessions,
  usages,
  dashboards,
  agents,
  policies,
  audits,
  tokens,
  operation,
  badBodies,
  slackClicks,
  failures,
};

/** Good and bad requests for every route, by everybody, to servers on the loopback interface. */
export async function exchanges(): Promise<Exchange[]> {
  const all: Exchange[] = [];
  for (const [name, scene] of Object.entries(scenes)) {
    const started: Api[] = [];
    await scene(async (more) => {
      const made = await api(more);
      started.push(made);
      const send: Send = async (route, about, sent = {}) => {
        const answer = await ask(made, route, sent);
        all.push({ route, about: `${name}: ${about}`, answer });
        return answer;
      };
      return { made, send };
    });
    for (const { app } of started) await app.close();
  }
  return all;
}

/** The example of a route's body, as it is sent. */
export function exampleOf(route: Route): More {
  const { body } = operations[route];
  const [example] = Object.values(body?.examples ?? {});
  if (!body || !example) return {};
  if (body.type === "application/json") return { payload: example };
  return { payload: new URLSearchParams(example as Record<string, string>).toString(), headers: form };
}

/** Sends one request. */
export async function ask(
  made: Api,
  route: Route,
  { headers = {}, payload, id = "x", query = "" }: More,
): Promise<Answer> {
  const [method = "", path = ""] = route.split(" ");
  const url = path.replace(/:\w+/, encodeURIComponent(id)) + query;
  return made.send({ method, url, headers, ...(payload !== undefined && { payload }) });
}

async function everybody(open: Open): Promise<void> {
  const { made, send } = await open();
  const callers: Record<string, Headers> = {
    nobody: {},
    "an unknown token": as("unknown"),
    "a person without access": as("nothing"),
    "a viewer": as("viewer"),
    "an auditor": as("auditor"),
    "an approver": as("bob"),
    "an agent": await made.agent("deploy-manager"),
    "another agent": await made.agent("other-agent"),
    "an agent's key": { "x-api-key": "key-deploy-manager" },
    "an admin": as("admin"),
  };
  const id = await made.here.open();
  await remember(made.here.store, { agent: "deploy-manager", session: session.id, classification: ["pii"] });
  for (const route of routes) {
    const at = route.includes("/assets/")
      ? "approvals.js"
      : route.includes("/sessions/")
        ? session.id
        : route.includes("/agents/")
          ? "deploy-manager"
          : id;
    for (const [who, credential] of Object.entries(callers)) {
      const { payload, headers } = exampleOf(route);
      const isOauth = route.includes("/oauth2/");
      await send(route, who, {
        id: at,
        headers: { ...headers, ...(!isOauth && credential) },
        ...(payload && { payload }),
      });
    }
  }
}

async function checks(open: Open): Promise<void> {
  const { made, send } = await open();
  const agent = await made.agent("deploy-manager");
  const limited = await made.agent("other-agent");
  const shell = (more: object) => ({ headers: agent, payload: { tool: "shell", action: "run", ...more } });
  await send("POST /v1/check", "allowed", shell({ params: { jobs: 1 }, destination: "db:1" }));
  await send("POST /v1/check", "denied", shell({ params: { jobs: 50 } }));
  await send("POST /v1/check", "asked for approval", shell({ environment: "production" }));
  await send("POST /v1/check", "sanitized", { headers: agent, payload: { tool: "shell", action: "fetch" } });
  await send("POST /v1/check", "unknown tool", { headers: agent, payload: { tool: "x", action: "fetch" } });
  await send("POST /v1/check", "form", { headers: { ...agent, ...form }, payload: "tool=shell" });
  await send("POST /v1/check", "malformed", { headers: { ...agent, ...json }, payload: "{" });
  await send("POST /v1/check", "query", { ...shell({}), query: "?x=1" });
  await send("POST /v1/check", "too large", { headers: { ...agent, ...json }, payload: large });
  for (const time of ["first", "second"]) {
    await send("POST /v1/check", `limited, ${time}`, { headers: limited, payload: { tool: "shell", action: "crawl" } });
  }
}

async function approvals(open: Open): Promise<void> {
  const { made, send } = await open();
  const bob = as("bob");
  const list = "GET /v1/approvals";
  const show = "GET /v1/approvals/:id";
  const decide = "POST /v1/approvals/:id/decision";
  const revoke = "POST /v1/approvals/:id/revoke";
  const [first, second, third] = [
    await made.here.open(),
    await made.here.open({ quorum: 2 }),
    await made.here.open({ approvers: [["leads"]] }),
  ];
  const approve = { headers: bob, payload: { decision: "approve", comment: "fine" } };
  for (const query of [
    "?status=pending&limit=1",
    "?agent=nobody",
    "?limit=0",
    "?limit=1001",
    "?colour=red",
    "?status=open",
  ]) {
    await send(list, query, { headers: bob, query });
  }
  await send(decide, "approved", { ...approve, id: first });
  await send(decide, "approved again", { ...approve, id: first });
  await send(decide, "one of two", { ...approve, id: second });
  await send(decide, "not in the group", { ...approve, id: third });
  await send(decide, "denied", { headers: as("carol"), payload: { decision: "deny" }, id: third });
  await send(decide, "odd comment", { headers: bob, payload: { decision: "deny", comment: "\u202e" }, id: second });
  await send(decide, "unknown", { ...approve, id: "apr_0" });
  await send(show, "with the token", { headers: await made.agent("deploy-manager"), id: first });
  await send(revoke, "approved, not used yet", { headers: as("carol"), payload: { comment: "stop" }, id: first });
  await send(revoke, "again", { headers: as("dan"), id: first });
  await send(revoke, "unknown", { headers: bob, id: "apr_0" });
  await send(show, "odd wait", { headers: bob, id: first, query: "?wait=soon" });
  await send(show, "short wait", { headers: bob, id: second, query: "?wait=10ms" });
  await send(show, "unknown", { headers: bob, id: "apr_0" });
  await send(show, "odd id", { headers: bob, id: "a b" });
  made.here.nowMs += 86_400_000;
  await send(decide, "expired", { headers: as("dan"), payload: { decision: "approve" }, id: second });
  await send(revoke, "expired", { headers: as("dan"), id: second });
  await send(list, "after a day", { headers: bob });
}

async function sessions(open: Open): Promise<void> {
  const { made, send } = await open();
  const route = "GET /v1/sessions/:id/attestation";
  const auditor = as("auditor");
  await remember(made.here.store, { agent: "deploy-manager", session: "one", classification: ["pii"] });
  await remember(made.here.store, { agent: "deploy-manager", session: "both", classification: [] });
  await remember(made.here.store, { agent: "other-agent", session: "both", classification: [] });
  await send(route, "JSON", { headers: auditor, id: "one" });
  await send(route, "JWT", { headers: { ...auditor, accept: "application/jwt" }, id: "one" });
  await send(route, "of two agents", { headers: auditor, id: "both" });
  await send(route, "of one of them", { headers: auditor, id: "both", query: "?agent=other-agent" });
  await send(route, "odd query", { headers: auditor, id: "one", query: "?agent=" });
  await send(route, "unknown", { headers: auditor, id: "none" });
  await send(route, "odd id", { headers: auditor, id: "a b" });
}

async function usages(open: Open): Promise<void> {
  const { made, send } = await open({ usage: async (agent, session) => used(agent, session) });
  const route = "GET /v1/usage/:id";
  const auditor = { headers: as("auditor"), id: "deploy-manager" };
  await send(route, "of an agent", auditor);
  await send(route, "of a session", { ...auditor, query: "?session=one" });
  await send(route, "by the agent", { headers: await made.agent("deploy-manager"), id: "deploy-manager" });
  await send(route, "odd query", { ...auditor, query: "?session=" });
  await send(route, "unknown", { ...auditor, id: "nobody" });
  const { send: again } = await open({
    usage: async () => {
      throw new StoreUnavailable("away");
    },
  });
  await again(route, "the store is away", auditor);
}

async function dashboards(open: Open): Promise<void> {
  const { made, send } = await open();
  await made.here.open();
  for (const query of ["", "?window=1h", "?window=6h", "?window=24h", "?window=7d", "?colour=red"]) {
    await send("GET /v1/dashboard", query, { headers: as("viewer"), query });
  }
  const { send: again } = await open({ ready: () => ({ ready: false, detail: { stopping: true, store: "away" } }) });
  await again("GET /v1/dashboard", "not ready", { headers: as("viewer") });
}

function used(agent: string, session: string | null): UsageView {
  const rate = { burst: 2, interval_s: 1, used: 1, left: 1, free_at: "2026-03-01T12:00:01.000Z" };
  const budget = { limit: 5, used: 1.5, left: 3.5 };
  const resets = { burn_per_hour: 1.5, exhausted_at: null, resets_at: "2026-03-02T00:00:00.000Z" };
  const enforced = {
    rate,
    tools: { "deploy-api": rate },
    daily_budget: { ...budget, ...resets },
    session_budget: budget,
  };
  const at = "2026-03-01T12:00:00.000Z";
  return { agent_id: agent, session_id: session, at, enforced, shadow: null, approvals: { pending: 0, most: 3 } };
}

async function agents(open: Open): Promise<void> {
  const { send } = await open();
  const admin = { headers: as("admin") };
  await send("POST /v1/agents", "new", {
    ...admin,
    payload: { id: "team/a", scopes: ["t:*"], spiffe: ["spiffe://d/a"] },
  });
  await send("POST /v1/agents", "no model", { ...admin, payload: { id: "b" } });
  await send("POST /v1/agents", "again", { ...admin, payload: { id: "b" } });
  await send("POST /v1/agents", "odd scope", { ...admin, payload: { id: "c", scopes: ["x"] } });
  await send("GET /v1/agents", "three", admin);
  for (const act of ["disable", "enable", "rotate-key"] as const) {
    await send(`POST /v1/agents/:id/${act}`, "stored", { ...admin, id: "team/a" });
    await send(`POST /v1/agents/:id/${act}`, "with a body", { ...admin, id: "b", payload: {} });
    await send(`POST /v1/agents/:id/${act}`, "of the file", { ...admin, id: "other-agent", payload: {} });
    await send(`POST /v1/agents/:id/${act}`, "unknown", { ...admin, id: "nobody" });
    await send(`POST /v1/agents/:id/${act}`, "odd id", { ...admin, id: "a b" });
  }
  await send("POST /v1/agents/:id/rotate-key", "overlap", { ...admin, id: "b", payload: { keep_old_for: "10m" } });
  await send("POST /v1/agents/:id/rotate-key", "odd overlap", { ...admin, id: "b", payload: { keep_old_for: "1y" } });
  await send("GET /v1/agents/:id", "stored", { ...admin, id: "team/a" });
  await send("GET /v1/agents/:id", "unknown", { ...admin, id: "nobody" });
}

async function tokens(open: Open): Promise<void> {
  const { send } = await open();
  const post = (route: Route, about: string, payload: string, headers: Headers = form) =>
    send(route, about, { headers, payload });
  const good = exampleOf("POST /oauth2/token").payload as string;
  const token: string = (await post("POST /oauth2/token", "by the body", good)).json().access_token;
  const basic = {
    ...form,
    authorization: `Basic ${Buffer.from("deploy-manager:key-deploy-manager").toString("base64")}`,
  };
  await post("POST /oauth2/token", "by HTTP Basic", "grant_type=client_credentials&scope=shell:run", basic);
  await post("POST /oauth2/token", "wrong secret", good.replace("key-", "no-"));
  await post("POST /oauth2/token", "unknown grant", "grant_type=password");
  await post("POST /oauth2/token", "odd scope", `${good}&scope=x`);
  await post(
    "POST /oauth2/token",
    "exchange without a token",
    "grant_type=urn:ietf:params:oauth:grant-type:token-exchange",
  );
  await post("POST /oauth2/revoke", "ended", `token=${token}`);
  await post("POST /oauth2/revoke", "no token", "token_type_hint=access_token");
  await post("POST /oauth2/revoke", "wrong client", "token=x&client_id=a&client_secret=b");
  for (const route of ["POST /oauth2/token", "POST /oauth2/revoke"] as const) {
    await post(route, "JSON", "{}", json);
    await post(route, "too large", `token=${"x".repeat(40_000)}`);
    await send(route, "nothing");
    await send(route, "a query", { headers: form, payload: good, query: "?a=b" });
  }
}

async function operation(open: Open): Promise<void> {
  const { send } = await open();
  const viewer = as("viewer");
  await send("GET /readyz", "with details", { headers: viewer });
  const etag = String((await send("GET /bundles/countersign.tar.gz", "the bundle", { headers: viewer })).headers.etag);
  await send("GET /bundles/countersign.tar.gz", "again", { headers: { ...viewer, "if-none-match": etag } });
  await send("GET /v1/log", "the level", { headers: as("admin") });
  for (const payload of [{ level: "debug", for: "10m" }, { level: "warn" }, { level: "all" }]) {
    await send("PUT /v1/log", JSON.stringify(payload), { headers: as("admin"), payload });
  }
  const off = await open({ logLevels: { show: () => null, set: async () => null } });
  await off.send("GET /v1/log", "no log", { headers: as("admin") });
  await off.send("PUT /v1/log", "no log", { headers: as("admin"), payload: { level: "warn" } });
  const broken = await open({ ready: () => ({ ready: false, detail: { audit: "disk full" } }) });
  await broken.send("GET /readyz", "not ready");
  await broken.send("GET /readyz", "not ready, with details", { headers: viewer });
}

/** What no route that takes JSON takes. */
async function badBodies(open: Open): Promise<void> {
  const { made, send } = await open();
  const agent = await made.agent("deploy-manager");
  for (const route of routes.filter((one) => operations[one].body?.type === "application/json")) {
    const credential =
      route === "POST /v1/check" ? agent : { ...as("admin"), ...(route.includes("approvals") && as("bob")) };
    const id = route.includes("approvals") ? await made.here.open() : "deploy-manager";
    const sent = { id, headers: { ...credential, ...json } };
    await send(route, "no JSON", { ...sent, payload: "{" });
    await send(route, "a list", { ...sent, payload: "[]" });
    await send(route, "an unknown member", { ...sent, payload: '{"colour":"red"}' });
    await send(route, "text", { ...sent, headers: { ...credential, "content-type": "text/plain" }, payload: "{}" });
    await send(route, "too large", { ...sent, payload: large });
    await send(route, "nothing with a type", { ...sent, payload: "" });
  }
}

/** The store or the disk is gone. */
async function failures(open: Open): Promise<void> {
  const { made, send } = await open();
  const { store, records } = made.here;
  const token: string = (await send("POST /oauth2/token", "while all is well", exampleOf("POST /oauth2/token"))).json()
    .access_token;
  const id = await made.here.open();
  await send("POST /v1/agents", "while all is well", { headers: as("admin"), payload: { id: "early" } });
  records.broken = true;
  await send("POST /v1/check", "no record", {
    headers: await made.agent("deploy-manager"),
    payload: { tool: "shell", action: "crawl" },
  });
  await send("POST /v1/approvals/:id/decision", "no record", {
    headers: as("bob"),
    payload: { decision: "approve" },
    id,
  });
  await send("POST /v1/approvals/:id/revoke", "no record", { headers: as("bob"), id });
  await send("POST /v1/agents", "no record", { headers: as("admin"), payload: { id: "late" } });
  await send("PUT /v1/log", "no record", { headers: as("admin"), payload: { level: "warn" } });
  for (const act of ["disable", "rotate-key"] as const) {
    await send(`POST /v1/agents/:id/${act}`, "no record", { headers: as("admin"), id: "early" });
  }
  await send("POST /oauth2/token", "no record", exampleOf("POST /oauth2/token"));
  await send("POST /oauth2/revoke", "no record", { headers: form, payload: `token=${token}` });

  const gone = async () => {
    throw new StoreUnavailable("no answer from 10.0.0.7 in 100ms");
  };
  Object.assign(store, {
    approvals: gone,
    approval: gone,
    look: gone,
    settle: gone,
    sessionAgents: gone,
    answer: gone,
  });
  await send("GET /v1/approvals", "no store", { headers: as("bob") });
  await send("GET /v1/approvals/:id", "no store", { headers: as("bob"), id });
  await send("GET /v1/sessions/:id/attestation", "no store", { headers: as("auditor"), id: "s" });
  Object.assign(store.registry, { changes: gone });
  await send("GET /v1/agents", "no store", { headers: as("admin") });
  await send("GET /v1/agents/:id", "no store", { headers: as("admin"), id: "deploy-manager" });
  await send("POST /v1/agents/:id/enable", "no store", { headers: as("admin"), id: "deploy-manager" });
}
