import { sha256Hex } from "../../src/canonical.js";
import { compilePolicySet, type PolicyText } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import { readAgentsFile } from "../../src/registry/agents_file.js";
import { atOnce } from "../../src/slices.js";

const program = loadProgram();
const names = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `agent-${from + n}`);
const team = (file: string, members: string[], replicas = 5): PolicyText => ({
  file,
  text: `agents: [${members.join(", ")}]\nactions: [{name: deploy, max_replicas: ${replicas}}]\n`,
});
const guard: PolicyText = { file: "guard.yaml", text: "guardrail: true\ndeny_actions: [delete]\n" };
const teams = (changed = 5) => [
  team("a.yaml", names(0, 2_000), changed),
  team("b.yaml", names(2_000, 4_000)),
  team("own.yaml", ["single"]),
  guard,
];
const compile = (texts: readonly PolicyText[], by = program) => compilePolicySet(texts, by, "enforce");

test("agents of the same files have one document, whatever their number", async () => {
  const set = await compile(teams());
  expect(set.documents.size).toBe(4_002);
  expect(new Set(set.documents.values()).size).toBe(4);
  expect(set.documentOf("agent-0")).toBe(set.documentOf("agent-1999"));
  expect(set.documentOf("agent-0").id).toBe("*");
  expect(set.documentOf("single").id).toBe("single");
  expect(set.documentOf("agent-0")).not.toBe(set.documentOf("agent-2000"));
});

test("one changed file makes the documents anew that it is part of, and no others", async () => {
  const [before, after] = [await compile(teams()), await compile(teams(6))];
  expect(after.documentOf("agent-0").document).not.toBe(before.documentOf("agent-0").document);
  expect(after.documentOf("agent-2000").document).toBe(before.documentOf("agent-2000").document);
  expect(after.documentOf("nobody").document).toBe(before.documentOf("nobody").document);
  expect(after.version).not.toBe(before.version);
  const other = await compile(teams().with(3, { ...guard, text: guard.text.replace("delete", "destroy") }));
  expect(other.documentOf("agent-2000").document).not.toBe(before.documentOf("agent-2000").document);
});

test("the version of shared documents is that of documents that are written out", async () => {
  const { documents, version } = await compile(teams());
  const written = JSON.stringify({ policies: sorted(Object.fromEntries(documents)), program: program.sha256 });
  expect(version).toBe(`sha256:${sha256Hex(written)}`);
});

/** Members in the order of RFC 8785. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}

describe("a long agents.yaml", () => {
  const lines = names(0, 5_000).map((id) => `  - {id: ${id}, model: some-model, scopes: ["deploy-api:*"]}`);
  const read = (all: readonly string[]) => atOnce(readAgentsFile("agents.yaml", `agents:\n${all.join("\n")}\n`));

  test("is read again only around what has changed", () => {
    const changes = [
      lines.with(2_500, lines[2_500]?.replace("some-model", "another") as string),
      [...lines.slice(0, 2_500), "  - {id: another}", ...lines.slice(2_500)],
      lines.toSpliced(2_500, 1),
    ];
    for (const changed of changes) {
      const before = new Set(read(lines).entries);
      const anew = read(changed).entries.filter((entry) => !before.has(entry));
      // Two pieces at most, of 256 entries at most.
      expect(anew.length).toBeLessThanOrEqual(512);
    }
    expect(read(lines).entries[7]).toBe(read(changes[0] as string[]).entries[7]);
  });

  test("agents with the same scopes and roles share them", () => {
    const { entries } = read(lines);
    expect(new Set(entries.map(({ agent }) => agent.scopes)).size).toBe(1);
    expect(new Set(entries.map(({ agent }) => agent.roles)).size).toBe(1);
  });

  test("is read in steps, each of a few agents", () => {
    const steps = readAgentsFile("agents.yaml", `agents:\n${lines.join("\n")}\n`);
    let count = 0;
    while (!steps.next().done) count += 1;
    expect(count).toBeGreaterThan(5_000 / 64);
  });
});
