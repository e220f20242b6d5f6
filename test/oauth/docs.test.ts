import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { decodeJwt } from "jose";
import { loadConfig } from "../../src/config/load.js";
import type { Config } from "../../src/config/schema.js";
import { trustedIssuers } from "../../src/issuers/trusted.js";
import { OAuthError, oauthErrorCodes } from "../../src/oauth/error.js";
import { askedTask } from "../../src/oauth/task.js";
import { PartMissing } from "../harness/part_missing.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { onPath, repository } from "../harness/programs.js";
import { type Authority, authority, type CiSystem, ciSystem } from "./fixture.js";

const page = readFileSync(join(repository, "docs/tokens.md"), "utf8");
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map((match) => match[1] ?? "");
const examples = blocks("yaml").filter((text) => !text.startsWith("# .gitlab-ci.yml"));

async function loaded(text: string): Promise<Config> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-docs-"));
  try {
    await writeFile(join(folder, "countersign.yaml"), text);
    return loadConfig(join(folder, "countersign.yaml"), {});
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("the examples of the configuration load", async () => {
  expect(examples).toHaveLength(3);
  for (const example of examples) await expect(loaded(example)).resolves.toBeDefined();
});

test("the page names every error with its status", () => {
  const rows = [...page.matchAll(/^\| (\d{3}) \| `(\w+)` \|/gm)].map(([, status, code]) => [code, Number(status)]);
  expect(rows).toEqual(oauthErrorCodes.map((code) => [code, new OAuthError(code, "").status]));
});

test("the list of authorization details is one", () => {
  const [answer = "", details = ""] = blocks("json");
  expect(askedTask(details)).toEqual({
    environment: ["preview", "staging"],
    image: ["registry.example/shop@sha256:9f2c"],
  });
  expect(askedTask(JSON.stringify(JSON.parse(answer).authorization_details))).toEqual({ service: ["shop"] });
});

const programs = await requirePart("curl and jq", async () => {
  const missing = [];
  for (const name of ["curl", "jq"]) if (!(await onPath(name))) missing.push(name);
  if (missing.length > 0) throw new PartMissing(missing.join(" and "), "install it");
});

describeWith(programs, "the commands of the page", () => {
  let ci: CiSystem;
  let here: Authority;
  beforeEach(async () => {
    ci = await ciSystem("RS256");
    const entries = (await loaded(examples[0] ?? "")).identity.trusted.map((entry) => ({ ...entry, jwks: ci.jwks }));
    const trusted = trustedIssuers(entries, { runtime: { monotonicMicros: () => 0 } });
    here = await authority({ ci, oauth: { trusted } });
  });
  afterEach(() => here.close());

  const [github = "", gitlab = "", key = "", revocation = ""] = blocks("sh");

  async function shell(script: string, env: Record<string, string>) {
    const all = { PATH: process.env.PATH, COUNTERSIGN_URL: here.url, ...env };
    const { stdout, stderr } = await promisify(execFile)("/bin/sh", ["-c", script], { env: all });
    return { stdout: stdout.trim(), stderr };
  }
  const printed = (script: string) => `${script}\nprintf %s "$AGENT_TOKEN"`;

  test("from a job on GitHub to an agent token", async () => {
    const asked: IncomingMessage[] = [];
    const token = await here.ciToken({ iss: "https://token.actions.githubusercontent.com", jti: "gh" });
    const runner = createServer((request, response) => {
      asked.push(request);
      response.end(JSON.stringify({ count: 1, value: token }));
    });
    await new Promise<void>((resolve) => runner.listen(0, "127.0.0.1", resolve));
    const { port } = runner.address() as AddressInfo;
    const { stdout, stderr } = await shell(printed(github), {
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "runner-secret",
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
    });
    await new Promise((resolve) => runner.close(resolve));
    expect(stderr).toBe("");
    expect(asked.map(({ url }) => url)).toEqual(["/token?api-version=2.0&audience=countersign-exchange"]);
    expect(asked[0]?.headers.authorization).toBe("bearer runner-secret");
    expect(decodeJwt(stdout)).toMatchObject({
      sub: "deploy-manager",
      scope: "deploy-api:deploy",
      workflow_run_id: "4711",
      initiated_by: "alice@example.com",
      task: { service: ["shop"] },
      session_id: expect.stringMatching(/^ses_/),
    });
  });

  const pipeline = {
    iss: "https://gitlab.example",
    project_path: "acme/shop",
    ref_protected: "true",
    pipeline_id: "77",
    user_login: "alice",
    environment: "staging",
  };

  test("from a job on GitLab to an agent token", async () => {
    const { stdout, stderr } = await shell(printed(gitlab), { COUNTERSIGN_ID_TOKEN: await here.ciToken(pipeline) });
    expect(stderr).toBe("");
    expect(decodeJwt(stdout)).toMatchObject({
      sub: "deploy-manager",
      scope: "deploy-api:* logs:read",
      workflow_run_id: "77",
      task: { service: ["shop"], environment: ["staging"], image: ["registry.example/shop@sha256:9f2c"] },
    });
  });

  test("a job that is not trusted reads why", async () => {
    const token = await here.ciToken({ ...pipeline, ref_protected: "false" });
    const { stdout, stderr } = await shell(printed(gitlab), { COUNTERSIGN_ID_TOKEN: token });
    expect(stdout).toBe("");
    expect(stderr).toContain("subject_token: the token's claims are not those that its issuer is trusted with");
  });

  test("by an API key, and the end of that token", async () => {
    const { stdout } = await shell(key, { API_KEY: "key-1" });
    const { access_token, scope } = JSON.parse(stdout);
    expect(scope).toBe("deploy-api:* logs:read");
    expect((await shell(revocation, { AGENT_TOKEN: access_token })).stdout).toBe("");
    expect((await here.store.changes(null)).revoked).toEqual([
      expect.objectContaining({ jti: decodeJwt(access_token).jti }),
    ]);
  });
});
