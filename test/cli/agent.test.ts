import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { freePort } from "../harness/process.js";
import { repository } from "../harness/programs.js";
import { type Api, api } from "../http/fixture.js";
import { countersign, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
let made: Api;
let url: string;
const others: Server[] = [];

beforeEach(async () => {
  made = await api();
  url = `http://${made.host}:${made.port}`;
  await writeFile(join(folder, "countersign.yaml"), `public_url: "${url}/"\n`);
  await writeFile(join(folder, "token"), "token-admin\n");
});
afterEach(async () => {
  await made.app.close();
  for (const server of others.splice(0)) await new Promise((resolve) => server.close(resolve));
});
afterAll(undo);

const env = { COUNTERSIGN_TOKEN: "token-admin" };
const run = (args: string[], more: Record<string, string> = env) =>
  countersign(["agent", ...args], { cwd: folder, env: more });

async function succeeds(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
  return stdout.trim();
}

/** Something else that listens where a server is looked for. */
async function listening(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  others.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("the commands of docs/agents.md do and print what it says", async () => {
  const page = readFileSync(join(repository, "docs/agents.md"), "utf8");
  const [, block = ""] = /^```console\n(.*?)^```/ms.exec(page) ?? [];
  const steps = block.split(/^\$ /m).slice(1);
  expect(steps.length).toBeGreaterThan(6);
  let last: number | null = null;
  for (const step of steps) {
    const [command = "", ...lines] = step.split("\n");
    const form = lines.join("\n").trimEnd().split("...").map(escaped).join("[^]*");
    let printed = String(last);
    if (command !== "echo $?") {
      const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
      expect(words.splice(0, 2)).toEqual(["countersign", "agent"]);
      const ran = await run(words);
      last = ran.code;
      printed = `${ran.stdout}${ran.stderr}`.trimEnd();
    }
    expect({ command, printed }).toEqual({ command, printed: expect.stringMatching(new RegExp(`^${form}$`)) });
  }
});

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

test("every option of create reaches the server, also for an id that needs escapes", async () => {
  const id = "team/deploy:bot@ci";
  const spiffe = "spiffe://cluster.local/ns/ci/sa/bot";
  const options = ["--model", "m 1", "--scope", "a:b", "--scope", "c:d  e:f", "--role", "r 1", "--role", "r2"];
  const told = JSON.parse(await succeeds("create", id, ...options, "--spiffe", spiffe, "--json"));
  expect(told).toMatchObject({
    agent: { id, model: "m 1", scopes: ["a:b", "c:d", "e:f"], roles: ["r 1", "r2"], spiffe: [spiffe] },
    api_key: expect.stringMatching(/^csk_[\w-]{43}$/),
  });
  expect(JSON.parse(await succeeds("show", id, "--json"))).toEqual(told.agent);
  expect(await succeeds("show", id)).toContain(`spiffe   ${spiffe}`);
  expect(await succeeds("disable", id)).toBe(`${id} is disabled`);
  expect(JSON.parse(await succeeds("list", "--json")).agents).toContainEqual({ ...told.agent, disabled: true });
  const rotated = JSON.parse(await succeeds("rotate-key", id, "--json"));
  expect(rotated.api_key).not.toBe(told.api_key);
  expect(made.here.records.kept).toMatchObject([
    { act: "agent_created", by: "root@example.com", agent_id: id },
    { act: "agent_disabled", by: "root@example.com", agent_id: id },
    { act: "agent_key_rotated", by: "root@example.com", agent_id: id },
  ]);
});

test.each([[[]], [["--json"]]])("an agent without scopes is registered with a warning: %p", async (more) => {
  const { code, stdout, stderr } = await run(["create", "idle", ...more]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/csk_[\w-]{43}/) });
  expect(stderr).toMatch(/^countersign: warning: idle has no scopes and may call nothing until .*agents\.yaml\n$/);
});

test("the token may come from a file, and --url stands over the configuration", async () => {
  const listed = await succeeds("list");
  const ran = await run(["list", "--token-file", "token", "--config", "nowhere", "--url", `${url}//`], {});
  expect(ran).toEqual({ code: 0, stdout: `${listed}\n`, stderr: "" });
});

test("the configuration takes the variable of the token for none of its keys", async () => {
  const { code, stderr } = await countersign(["policy", "lint"], { cwd: folder, env });
  expect({ code, stderr }).not.toMatchObject({ stderr: expect.stringContaining("COUNTERSIGN_TOKEN") });
});

test.each<[string, string[], Record<string, string>, string]>([
  ["no token", ["list"], {}, "give your token: in COUNTERSIGN_TOKEN, or in a file with --token-file"],
  ["an empty token", ["list"], { COUNTERSIGN_TOKEN: "" }, "give your token"],
  ["a token of two lines", ["list"], { COUNTERSIGN_TOKEN: "a\nb" }, "COUNTERSIGN_TOKEN holds no token"],
  ["no token file", ["list", "--token-file", "nowhere"], env, "--token-file: nowhere cannot be read"],
  ["another file for a token", ["list", "--token-file", "countersign.yaml"], env, "countersign.yaml holds no token"],
  ["an unknown token", ["list"], { COUNTERSIGN_TOKEN: "nobody" }, "the server does not take the token: "],
  ["too little access", ["disable", "deploy-manager"], { COUNTERSIGN_TOKEN: "token-viewer" }, "(access_denied)"],
  ["another URL", ["list", "--url", "ftp://x"], env, "--url: write an http:// or https:// URL"],
  ["a word for a URL", ["list", "--url", "localhost:9192"], env, "--url: write an http:// or https:// URL"],
  ["a URL with a password", ["list", "--url", "http://a:b@127.0.0.1:1"], env, "--url: must have no user"],
  ["a URL with a query", ["list", "--url", "http://127.0.0.1:1/?a"], env, "--url: must have no user, query"],
  ["no configuration", ["list", "--config", "nowhere"], env, "nowhere:1:1: cannot be read"],
  ["an unknown agent", ["show", "nobody"], env, "there is no agent nobody (unknown_agent)"],
  ["an id that is none", ["create", "*"], env, "body.id: must be 1 to 128 characters"],
  ["a path for an id", ["show", "../approvals"], env, "there is no such agent (unknown_agent)"],
  ["an id that is taken", ["create", "deploy-manager"], env, "there is an agent deploy-manager already (agent_exists)"],
  ["a keep that is none", ["rotate-key", "x", "--keep-old-for", "soon"], env, "body.keep_old_for: must be a duration"],
  ["no agent", ["disable"], env, "error: missing required argument 'agent'"],
])("%s is wrong use", async (_, args, given, message) => {
  const { code, stdout, stderr } = await run(args, given);
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
  expect(made.here.records.kept).toEqual([]);
});

describe("a server that cannot do it is no wrong use", () => {
  async function failed(at: string): Promise<string> {
    const { code, stdout, stderr } = await run(["list", "--url", at]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).not.toContain("token-admin");
    return stderr;
  }

  test("nobody is there", async () => {
    const at = `http://127.0.0.1:${await freePort()}`;
    const hint = "is `countersign serve` running, and is --url right?";
    expect(await failed(at)).toMatch(new RegExp(`^countersign: no server answers at ${at} \\(.*ECONNREFUSED.*\\): `));
    expect(await failed(at)).toContain(hint);
  });

  test("it cannot record", async () => {
    made.here.records.broken = true;
    const { code, stderr } = await run(["disable", "deploy-manager"]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("(audit_unavailable)") });
  });

  test("something else is there", async () => {
    const text = await listening((_, response) => response.end("hello"));
    expect(await failed(text)).toContain(`what answers at ${text} is not this version of Countersign`);
    const json = await listening((_, response) => response.end('{"agents":[{"id":7}]}'));
    expect(await failed(json)).toContain("is not this version of Countersign");
    const missing = await listening((_, response) => response.writeHead(404).end("no"));
    expect(await failed(missing)).toContain("is no Countersign: status 404");
  });

  test("a redirect does not carry the token away", async () => {
    const asked: (string | undefined)[] = [];
    const thief = await listening((request, response) => {
      asked.push(request.headers.authorization);
      response.end('{"agents":[]}');
    });
    const at = await listening((_, response) => response.writeHead(307, { location: `${thief}/v1/agents` }).end());
    expect(await failed(at)).toContain("no server answers");
    expect(asked).toEqual([]);
  });

  test("what it says cannot write on the terminal", async () => {
    const detail = "\u001b[2Jgone";
    const at = await listening((_, response) =>
      response.writeHead(409).end(JSON.stringify({ detail, reason: "x\u202e" })),
    );
    const { code, stderr } = await run(["list", "--url", at]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "countersign: \\u{1b}[2Jgone (x\\u{202e})\n" });
  });
});
