import { readFileSync } from "node:fs";
import { join } from "node:path";
import { agentErrors } from "../../src/agents/error.js";
import { loadRegistry } from "../../src/registry/load.js";
import { repository } from "../harness/programs.js";
import { type Api, api, as } from "../http/fixture.js";

const page = readFileSync(join(repository, "docs/agents.md"), "utf8");

let made: Api;
beforeAll(async () => {
  made = await api();
});
afterAll(() => made.app.close());

test("the file of the page loads", () => {
  const [text = ""] = blocks("yaml");
  const registry = loadRegistry({ agents: { file: "agents.yaml", text } });
  expect(registry.agentBySpiffe("spiffe://cluster.local/ns/ci/sa/deploy-manager")?.model).toBe("some-model-1");
});

/** `METHOD path`, a body or none, an empty line, the status and the answer; `...` stands for any text. */
const exchanges = blocks("http").map((block) => {
  const [request = "", answer = ""] = block.split("\n\n");
  const [, method = "", url = "", payload] = /^(\w+) (\S+)\n?(.*)$/s.exec(request) ?? [];
  const [, status, body = ""] = /^(\d+)\n(.*)$/s.exec(answer) ?? [];
  return { method, url, payload, status: Number(status), wanted: JSON.parse(body) as unknown };
});

test("the exchanges of the page take place as it says", async () => {
  expect(exchanges.length).toBeGreaterThan(4);
  for (const { method, url, payload, status, wanted } of exchanges) {
    const answer = await made.send({
      method,
      url,
      headers: as("admin"),
      ...(payload ? { payload: JSON.parse(payload) as object } : {}),
    });
    expect([url, answer.statusCode, answer.json()]).toEqual([url, status, patterns(wanted)]);
  }
});

test("the page has every reason of these routes", () => {
  const rows = [...page.matchAll(/^\| (\d{3}) \| (.*?) \|/gm)].flatMap(([, status, reasons = ""]) =>
    [...reasons.matchAll(/`(\w+)`/g)].map(([, reason]) => `${status} ${reason}`),
  );
  const codes = Object.entries(agentErrors).map(([code, { status }]) => `${status} ${code}`);
  const others = ["400 malformed_body", "400 malformed_parameter", "403 access_denied"];
  expect(rows.sort()).toEqual([...codes, ...others, "503 store_unavailable", "503 audit_unavailable"].sort());
});

function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)\\n\`\`\``, "gms"))].map(([, text = ""]) => text);
}

function patterns(value: unknown): unknown {
  if (typeof value === "string" && value.includes("...")) {
    return expect.stringMatching(new RegExp(`^${value.split("...").map(escaped).join(".+")}$`));
  }
  if (Array.isArray(value)) return value.map(patterns);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, patterns(member)]));
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
