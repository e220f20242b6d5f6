import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { loadCatalogue } from "../../src/decode/catalogue.js";
import { findingText, lintPolicies } from "../../src/policy_tools/lint/lint.js";
import { checks } from "../../src/policy_tools/lint/table.js";
import { parsePeopleFile } from "../../src/registry/people_file.js";
import { engine, policies } from "./fixture.js";

const tools = `tools:
  - name: deploy-api
    match: {hosts: [deploy.internal], path: /deploy}
    action: deploy
    environment: staging
    params: {replicas: "{body.spec.replicas}", region: "{body.region}"}
  - name: reader
    match: {hosts: [reader.internal], path: /read}
    action: read
    environment: production
    params: {page: "{query.page}"}
  - name: open
    match: {hosts: [open.internal], path: "/{action}"}
    action: "{path.action}"
  - name: bare
    match: {hosts: [bare.internal], path: /bare}
    action: bare
`;
const people = `people:
  - {id: alice, access: [approver], groups: [sre]}
  - {id: bob, access: [approver], groups: [sre, leads]}
  - {id: eve, access: [viewer], groups: [security]}
`;

/** Policy files by name, and every line that is to be said of them, in order. */
interface Case {
  policies: Record<string, string>;
  /** In place of the catalogue above. */
  tools?: object[];
  /** Ids of registered agents; nothing is known of them without. */
  agents?: string[];
  found: string[];
}

/** Each check has a file of cases by its name. */
const folder = new URL("./lint/", import.meta.url);
const cases = readdirSync(folder).map((name): [string, Case[]] => {
  return [name.replace(".yaml", ""), parse(readFileSync(new URL(name, folder), "utf8"))];
});

function found({ policies: files, tools: entries, agents }: Omit<Case, "found">): string[] {
  const texts = Object.entries(files).map(([file, text]) => ({ file, text }));
  const options = {
    catalogue: loadCatalogue("tools.yaml", entries ? JSON.stringify({ tools: entries }) : tools),
    people: parsePeopleFile("people.yaml", people).map(({ person }) => person),
    agents: agents ?? null,
    engine,
  };
  return lintPolicies(texts, policies(files), options).map(findingText);
}

test("every check has cases in which it finds something, and such in which it does not", () => {
  expect(cases.map(([name]) => name).sort()).toEqual(Object.keys(checks).sort());
  for (const [name, all] of cases) {
    const finds = (one: Case): boolean => one.found.some((line) => line.endsWith(`(${name})`));
    expect([name, all.some(finds), !all.every(finds)]).toEqual([name, true, true]);
  }
});

describe.each(cases)("%s", (_, all) => {
  test.each(all)("case %#", (one) => expect(found(one)).toEqual(one.found));
});

test("a budget is taken from where a tool costs something", () => {
  const priced = [{ name: "deploy-api", match: { hosts: ["h"], path: "/" }, action: "deploy", cost: 1 }];
  const files = { "p.yaml": "agent: a\nlimits: {daily_budget: 5}\nactions: [{name: deploy}]" };
  expect(found({ policies: files, tools: priced })).toEqual([]);
});

test("without a catalogue and people nothing is said that depends on them", () => {
  const text =
    "agent: a\ntools: [nope]\nlimits: {daily_budget: 1}\nactions: [{name: x, max_n: 1, approval: {when: true, approvers: [z]}}]";
  const options = { catalogue: null, people: null, agents: null, engine };
  expect(lintPolicies([{ file: "p.yaml", text }], policies({ "p.yaml": text }), options)).toEqual([]);
});
