import { mkdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { agentsOf, policyOf, toolsOf, type Watched, watch } from "./fixture.js";

let here: Watched;
beforeEach(async () => {
  here = await watch();
});
afterEach(() => here.stop());

const look = () => here.watched.refresh();
const trouble = () => here.watched.trouble();

test("nothing is loaded again while nothing changes", async () => {
  const before = here.watched.current();
  for (let i = 0; i < 3; i++) await look();
  expect(here.watched.current()).toBe(before);
  expect(here.told).toEqual([]);
});

test("a changed policy takes effect as a whole, and leaves the other parts as they are", async () => {
  const before = here.watched.current();
  await here.write("policies/a.yaml", policyOf("b"));
  expect(here.watched.current()).toBe(before);
  await look();
  const after = here.watched.current();
  expect(here.inForce()).toEqual({ policies: ["b"], tools: ["t"], agents: ["a"] });
  expect(after.policies.version).not.toBe(before.policies.version);
  expect([after.catalogue, after.registry]).toEqual([before.catalogue, before.registry]);
  expect(after.catalogue).toBe(before.catalogue);
  // Whoever took the old one goes on with it.
  expect([...before.policies.documents.keys()]).toEqual(["*", "a"]);
  expect(here.told).toEqual(["policies"]);
});

test("tools, agents and people are kept up with too", async () => {
  await here.write("tools.yaml", toolsOf("u"));
  await here.write("agents.yaml", agentsOf("a", "b"));
  await look();
  expect(here.inForce()).toEqual({ policies: ["a"], tools: ["u"], agents: ["a", "b"] });
  await here.write("people.yaml", "people: [{id: alice}]\n");
  await look();
  expect(here.watched.current().registry.person("alice")?.id).toBe("alice");
  expect(here.told).toEqual(["catalogue", "agents", "people"]);
});

test("a slip in one file does not hold up the disabling of an agent", async () => {
  await here.write("people.yaml", "peple: []\n");
  await here.write("policies/a.yaml", "agnet: a\n");
  await here.write("agents.yaml", "agents: [{id: a, disabled: true}]\n");
  await look();
  expect(here.watched.current().registry.agent("a")?.disabled).toBe(true);
  expect(Object.keys(trouble()).sort()).toEqual(["people", "policies"]);
});

test("a secret that proves an agent and a person is refused, whichever file came last", async () => {
  const sha256 = "ab".repeat(32);
  await here.write("people.yaml", `people: [{id: alice, tokens: [{sha256: "${sha256}"}]}]\n`);
  await look();
  await here.write("agents.yaml", `agents: [{id: a, api_keys: [{sha256: "${sha256}"}]}]\n`);
  await look();
  expect(trouble()).toEqual({ agents: "a token of alice is also the API key of an agent; each needs one of its own" });
});

test("the content counts, not the time: the same bytes written again are no change", async () => {
  await here.write("policies/a.yaml", policyOf("a"));
  await utimes(here.path("tools.yaml"), new Date(0), new Date(0));
  await look();
  expect(here.told).toEqual([]);
});

test("a change of the same length within one tick of the clock is seen", async () => {
  await here.write("policies/a.yaml", policyOf("b"));
  await look();
  await here.write("policies/a.yaml", policyOf("c"));
  const time = new Date();
  await utimes(here.path("policies/a.yaml"), time, time);
  await look();
  await here.write("policies/a.yaml", policyOf("d"));
  await utimes(here.path("policies/a.yaml"), time, time);
  await look();
  expect(here.inForce().policies).toEqual(["d"]);
});

test("a change that keeps the file's time, as some ways of copying do, is seen", async () => {
  const old = new Date("2020-01-01T00:00:00Z");
  await utimes(here.path("tools.yaml"), old, old);
  await look();
  await here.write("tools.yaml", toolsOf("u"));
  await utimes(here.path("tools.yaml"), old, old);
  await look();
  expect(here.inForce().tools).toEqual(["u"]);
});

test("files come, go and are renamed", async () => {
  await here.write("policies/b.yml", policyOf("b"));
  await here.write("policies/c.json", JSON.stringify({ agent: "c", actions: [{ name: "deploy" }] }));
  await here.write("policies/D.YAML", policyOf("d"));
  await look();
  expect(here.inForce().policies).toEqual(["a", "b", "c", "d"]);
  const { version } = here.watched.current().policies;
  await rename(here.path("policies/b.yml"), here.path("policies/e.yml"));
  await look();
  expect(here.watched.current().policies.files).toEqual(["D.YAML", "a.yaml", "c.json", "e.yml"]);
  expect(here.watched.current().policies.version).not.toBe(version);
  await rm(here.path("policies/c.json"));
  await look();
  expect(here.inForce().policies).toEqual(["a", "b", "d"]);
});

test("hidden files and files of other kinds are passed over", async () => {
  await here.write("policies/.a.yaml.swp", "{{{");
  await here.write("policies/.hidden.yaml", "{{{");
  await here.write("policies/README.md", "{{{");
  await here.write("policies/a.yaml~", "{{{");
  await here.write("policies/cases/x.yaml", "{{{");
  await look();
  expect(here.told).toEqual([]);
  expect(trouble()).toEqual({});
});

describe("what cannot be used leaves the last good one in force", () => {
  const none = "policies:1:1: there are no policies: expected a folder with .yaml or .json files";
  const broken: [string, () => Promise<unknown>, "policies" | "catalogue" | "agents" | "people", string][] = [
    [
      "a mistake in a policy",
      () => here.write("policies/a.yaml", "agent: a\naction: []\n"),
      "policies",
      "a.yaml:2:9: action: unknown key\na.yaml:1:1: the policy says nothing: ",
    ],
    [
      "one bad file among good ones",
      () => here.write("policies/b.yaml", "agent: b\nactions: [{name: x, max_y: z}]\n"),
      "policies",
      "b.yaml:2:28: actions[0].max_y: expected a number, not a text",
    ],
    ["an empty policy", () => here.write("policies/a.yaml", ""), "policies", "a.yaml:1:1: name exactly one of"],
    ["a Rego file", () => here.write("policies/x.rego", "pakage x"), "policies", "x.rego:1:1: "],
    ["the last policy deleted", () => rm(here.path("policies/a.yaml")), "policies", none],
    ["the folder of policies deleted", () => rm(here.path("policies"), { recursive: true }), "policies", none],
    ["the catalogue deleted", () => rm(here.path("tools.yaml")), "catalogue", "tools.yaml:1:1: cannot be read"],
    ["the catalogue emptied", () => here.write("tools.yaml", ""), "catalogue", "tools.yaml:1:1: tools: "],
    ["the agents deleted", () => rm(here.path("agents.yaml")), "agents", "agents.yaml:1:1: cannot be read"],
    ["the agents emptied", () => here.write("agents.yaml", ""), "agents", "agents.yaml:1:1: agents: missing: "],
    ["the people deleted", () => rm(here.path("people.yaml")), "people", "people.yaml:1:1: cannot be read"],
    [
      "a folder in a file's place",
      async () => {
        await rm(here.path("tools.yaml"));
        await mkdir(here.path("tools.yaml"));
      },
      "catalogue",
      "tools.yaml:1:1: cannot be read",
    ],
    [
      "a link to nowhere",
      async () => {
        await rm(here.path("tools.yaml"));
        await symlink("nowhere", here.path("tools.yaml"));
      },
      "catalogue",
      "tools.yaml:1:1: cannot be read",
    ],
  ];

  test.each(broken)("%s", async (_what, breakIt, part, message) => {
    const before = here.watched.current();
    await breakIt();
    await look();
    expect(here.watched.current()).toBe(before);
    expect(trouble()[part]?.replaceAll(`${here.folder}/`, "")).toContain(message);
    expect(Object.keys(trouble())).toEqual([part]);
    expect(here.told).toEqual([expect.stringContaining(`${part}! ${message}`)]);
    await look();
    await look();
    expect(here.told).toHaveLength(1);
  });
});

test("a bad policy does not hold up agents and tools", async () => {
  await here.write("policies/a.yaml", "{{{");
  await here.write("agents.yaml", agentsOf("a", "b"));
  await here.write("tools.yaml", toolsOf("u"));
  await look();
  expect(here.inForce()).toEqual({ policies: ["a"], tools: ["u"], agents: ["a", "b"] });
  expect(Object.keys(trouble())).toEqual(["policies"]);
});

test("another mistake is told again, the same one is not, and mending it ends the trouble", async () => {
  const bad = (key: string) => here.write("tools.yaml", `tools: []\n${key}: 1\n`);
  await bad("x");
  await look();
  await bad("y");
  await look();
  await look();
  await here.write("tools.yaml", toolsOf("u"));
  await look();
  expect(trouble()).toEqual({});
  await bad("y");
  await look();
  expect(here.told).toEqual([
    "catalogue! tools.yaml:2:4: x: unknown key",
    "catalogue! tools.yaml:2:4: y: unknown key",
    "catalogue",
    "catalogue! tools.yaml:2:4: y: unknown key",
  ]);
});

test("a file that goes away and comes back as it was ends the trouble without a load", async () => {
  const before = here.watched.current();
  await rename(here.path("tools.yaml"), here.path("aside"));
  await look();
  expect(Object.keys(trouble())).toEqual(["catalogue"]);
  await rename(here.path("aside"), here.path("tools.yaml"));
  await look();
  expect(trouble()).toEqual({});
  expect(here.watched.current()).toBe(before);
  expect(here.told).toEqual(["catalogue! tools.yaml:1:1: cannot be read"]);
});

test("policies can be one file", async () => {
  await here.stop();
  const single = await watch(
    {},
    { policies: policyOf("a"), "tools.yaml": toolsOf("t"), "agents.yaml": agentsOf(), "people.yaml": "people: []" },
  );
  await single.write("policies", policyOf("b"));
  await single.watched.refresh();
  expect(single.inForce().policies).toEqual(["b"]);
  await single.stop();
});

/** A ConfigMap's folder: `..data` leads to a folder of one version, and files lead through it. */
test("a ConfigMap that Kubernetes swaps is one change", async () => {
  const version = async (name: string, files: Record<string, string>) => {
    await mkdir(here.path(`policies/${name}`), { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(here.path(`policies/${name}/${file}`), text);
  };
  await rm(here.path("policies/a.yaml"));
  await version("..2026_1", { "a.yaml": policyOf("a"), "b.yaml": policyOf("b") });
  await symlink("..2026_1", here.path("policies/..data"));
  for (const file of ["a.yaml", "b.yaml"]) await symlink(`..data/${file}`, here.path(`policies/${file}`));
  await look();
  expect(here.inForce().policies).toEqual(["a", "b"]);

  await version("..2026_2", { "a.yaml": policyOf("c"), "b.yaml": policyOf("d") });
  await look();
  expect(here.inForce().policies).toEqual(["a", "b"]);
  await symlink("..2026_2", here.path("policies/..data_tmp"));
  await rename(here.path("policies/..data_tmp"), here.path("policies/..data"));
  await rm(here.path("policies/..2026_1"), { recursive: true });
  await look();
  expect(here.inForce().policies).toEqual(["c", "d"]);
  expect(here.told).toEqual(["policies", "policies"]);
});
