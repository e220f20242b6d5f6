import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Document, parseDocument } from "yaml";
import { pack, unpack } from "../../src/bundle/archive.js";
import { countersign, init, serve, temporaryFolder } from "../cli/run.js";
import { findOpa } from "../harness/find_opa.js";
import { type Answer, send } from "../harness/http.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { freePort, type RunningProcess, startProcess } from "../harness/process.js";
import { run } from "../harness/programs.js";
import { auditRecords } from "../harness/records.js";
import { until } from "../harness/until.js";

const opa = await requirePart("opa", findOpa);
const route = "/bundles/countersign.tar.gz";
const { folder, undo } = await temporaryFolder();

/** A server with its files, and how to ask it. */
interface Here {
  at(name: string): string;
  token: string;
  server: RunningProcess;
  http: string;
}

/** What stands between the two servers, and can do worse than pass on. */
let between: { server: Server; url: string; spoil: ((bytes: Buffer) => Promise<Buffer>) | null; asked: number };
let first: Here;
let second: Here;

const policy = (replicas: number) =>
  `agent: deploy-manager\ntools: [deploy-api]\nactions: [{name: deploy, max_replicas: ${replicas}}]\n`;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const state = async (here: Here): Promise<{ policy_version: string; files: Record<string, string> }> => {
  const answer: Answer = await send(`${here.http}/readyz`, { headers: bearer(here.token) });
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body).state;
};
const version = async (here: Here) => (await state(here)).policy_version;
const follows = () =>
  until(async () => (await version(second)) === (await version(first)), { what: "the second server to follow" });
const change = async (replicas: number) => {
  const path = first.at("policies/deploy-manager.yaml");
  const before = await version(first);
  await writeFile(`${path}.new`, policy(replicas));
  await rename(`${path}.new`, path);
  await until(async () => (await version(first)) !== before, { what: "the first server to load it" });
};
const policyRecords = async (here: Here) =>
  (await auditRecords(here.at("var/audit"))).filter(({ kind }) => kind === "policy");

async function start(name: string, edit: (config: Document, at: Here["at"]) => void): Promise<Here> {
  const at = (path: string) => join(folder, name, path);
  await mkdir(at("."));
  const { admin_token: token } = await init(at("."));
  const config = parseDocument(await readFile(at("countersign.yaml"), "utf8")) as Document;
  edit(config, at);
  await writeFile(at("countersign.yaml"), config.toString());
  return { at, token, ...(await serve(at("."))) };
}

async function fetchBytes(here: Here): Promise<Buffer> {
  const response = await fetch(`${here.http}${route}`, { headers: bearer(here.token) });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

/** Passes requests on to the first server. */
async function startBetween(): Promise<void> {
  const server = createServer(async (request, response) => {
    between.asked += 1;
    const { authorization = "", "if-none-match": tag } = request.headers;
    const asked = { authorization, ...(tag !== undefined && { "if-none-match": tag }) };
    try {
      const answer = await fetch(`${first.http}${request.url}`, {
        headers: between.spoil ? bearer(first.token) : asked,
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, { etag: answer.headers.get("etag") ?? "" });
      response.end(between.spoil ? await between.spoil(bytes) : bytes);
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  between = {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${route}`,
    spoil: null,
    asked: 0,
  };
}

beforeAll(async () => {
  await countersign(["policy", "key", join(folder, "bundle.jwk")]);
  first = await start("first", (config, at) => {
    config.setIn(["bundles"], { key_file: join(at(".."), "bundle.jwk") });
  });
  await startBetween();
  await writeFile(join(folder, "token"), `${first.token}\n`, { mode: 0o600 });
  second = await start("second", (config) => {
    const keys = { key_file: join(folder, "bundle.pub.pem"), token_file: join(folder, "token") };
    config.setIn(["policies"], { bundle: between.url, poll: "1s", ...keys });
  });
  await rm(second.at("policies"), { recursive: true });
});

afterAll(async () => {
  await Promise.all([first?.server.stop(), second?.server.stop()]);
  between?.server.closeAllConnections();
  between?.server.close();
  await undo();
});

test("a server starts with the bundle of another, and follows when that changes its policies", async () => {
  expect(await version(second)).toBe(await version(first));
  await change(7);
  await follows();
  const [loaded, changed] = await policyRecords(second);
  expect([loaded?.event, changed?.event]).toEqual(["loaded", "loaded"]);
  expect(changed).toMatchObject({
    policy_version: await version(first),
    previous_version: loaded?.policy_version,
    files: ["deploy-manager.yaml"],
  });
});

test("what does not change is not sent again", async () => {
  const headers = { ...bearer(first.token), "if-none-match": `"${await version(first)}"` };
  expect((await send(`${first.http}${route}`, { headers })).status).toBe(304);
  const { asked } = between;
  await until(() => between.asked >= asked + 2, { what: "two more polls" });
  expect(await policyRecords(second)).toHaveLength(2);
});

test("a bundle that was changed on the way is refused, everybody who may know is told, and the good one goes on", async () => {
  const good = await version(second);
  await change(8);
  between.spoil = async (bytes) => {
    const entries = new Map(await unpack(bytes));
    entries.set("data.json", Buffer.from(String(entries.get("data.json")).replace('"limit":8', '"limit":8000')));
    return pack(entries);
  };
  await until(async () => (await state(second)).files.policies !== undefined, { what: "the trouble" });
  expect(await state(second)).toMatchObject({
    policy_version: good,
    files: { policies: `${between.url}: data.json is not what was signed` },
  });
  const { asked } = between;
  await until(() => between.asked >= asked + 2, { what: "two more polls" });
  const refused = (await policyRecords(second)).filter(({ event }) => event === "refused");
  expect(refused).toEqual([expect.objectContaining({ detail: `${between.url}: data.json is not what was signed` })]);
  const metrics = await send(`${second.http}/metrics`, { headers: bearer(second.token) });
  expect(metrics.body).toContain('countersign_loads_total{part="policies",result="refused"} 1');
  expect(second.server.stdout()).toContain('"msg":"files refused; the last good ones go on"');

  between.spoil = null;
  await follows();
  expect((await state(second)).files).toEqual({});
});

test("an older bundle is refused", async () => {
  const older = await fetchBytes(first);
  // Signatures tell seconds apart.
  const nextSecond = Math.floor(Date.now() / 1_000) * 1_000 + 1_000;
  await until(() => Date.now() >= nextSecond, { what: "another second" });
  await change(9);
  await follows();
  const now = await version(second);
  between.spoil = async () => older;
  await until(async () => (await state(second)).files.policies?.includes("sign it again"), { what: "the trouble" });
  expect(await version(second)).toBe(now);
  between.spoil = null;
  await until(async () => (await state(second)).files.policies === undefined, { what: "the trouble to be over" });
});

test("without a valid bundle a server does not start, and says why", async () => {
  const at = (path: string) => join(folder, "third", path);
  await mkdir(at("."));
  await init(at("."));
  await countersign(["policy", "key", at("other.jwk")]);
  const start = async (policies: object) => {
    const config = parseDocument(await readFile(at("countersign.yaml"), "utf8")) as Document;
    config.setIn(["policies"], policies);
    config.setIn(["listen"], { grpc: "127.0.0.1:0", http: "127.0.0.1:0" });
    await writeFile(at("countersign.yaml"), config.toString());
    return countersign(["serve", "--config", at("countersign.yaml")]);
  };
  const place = { bundle: `${first.http}${route}`, token_file: join(folder, "token") };
  const other = await start({ ...place, key_file: at("other.pub.pem") });
  expect([other.code, other.stderr]).toEqual([
    1,
    `countersign: ${place.bundle}: the signature does not verify with the key\n`,
  ]);
  const nobody = `http://127.0.0.1:${await freePort()}/x.tar.gz`;
  const away = await start({ bundle: nobody, key_file: at("other.pub.pem") });
  expect([away.code, away.stderr]).toEqual([
    1,
    expect.stringContaining(`countersign: ${nobody}: it cannot be fetched: `),
  ]);
});

test("the first server away, the second goes on, says so, and follows again", async () => {
  await writeFile(join(folder, "bundle.tar.gz"), await fetchBytes(first));
  between.spoil = () => Promise.reject(new Error("away"));
  await until(async () => (await state(second)).files.policies !== undefined, { what: "the trouble" });
  expect((await state(second)).files.policies).toBe(`${between.url}: it cannot be fetched: other side closed`);
  between.spoil = null;
  await until(async () => (await state(second)).files.policies === undefined, {
    what: "the trouble to be over",
    timeoutMs: 30_000,
  });
});

describeWith(opa, "a real OPA", (use) => {
  const input = {
    agent: { id: "deploy-manager" },
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    images: [],
  };

  test("reads what the server gives", async () => {
    await writeFile(join(folder, "bundle.tar.gz"), await fetchBytes(first));
    const query = `data.countersign.decision with input as ${JSON.stringify({ ...input, params: { replicas: 3 } })}`;
    const said = await run(use().program, [
      "eval",
      "--format",
      "json",
      "--bundle",
      join(folder, "bundle.tar.gz"),
      query,
    ]);
    expect(JSON.parse(said).result[0].expressions[0].value.enforced.verdict).toBe("allow");
  });

  test("fetches it, checks its signature, and decides by it", async () => {
    const port = await freePort();
    const config = {
      services: { first: { url: first.http, credentials: { bearer: { token: first.token } } } },
      keys: { ours: { algorithm: "ES256", key: await readFile(join(folder, "bundle.pub.pem"), "utf8") } },
      bundles: { countersign: { service: "first", resource: route, signing: { keyid: "ours" } } },
    };
    await writeFile(join(folder, "opa.json"), JSON.stringify(config));
    const server = await startProcess({
      name: "opa",
      command: use().program,
      args: ["run", "--server", "--addr", `127.0.0.1:${port}`, "--config-file", join(folder, "opa.json")],
      ready: async () => (await send(`http://127.0.0.1:${port}/health?bundles`)).status === 200,
    });
    try {
      const decide = async (replicas: number) => {
        const body = JSON.stringify({ input: { ...input, params: { replicas } } });
        const headers = { "content-type": "application/json" };
        const answer = await send(`http://127.0.0.1:${port}/v1/data/countersign/decision`, { headers, body });
        return JSON.parse(answer.body).result.enforced.verdict;
      };
      expect([await decide(9), await decide(10)]).toEqual(["allow", "deny"]);
    } finally {
      await server.stop();
    }
  });
});
