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
  found: string[];
}

/** Each check has a file of cases by its name. */
const folder = new URL("./lint/", import.meta.url);
const cases = readdirSync(folder).map((name): [string, Case[]] => {
  return [name.replace(".yaml", ""), parse(readFileSync(new URL(name, folder), "utf8"))];
});

function found(files: Record<string, string>, catalogue = tools): string[] {
  const texts = Object.entries(files).map(([file, text]) => ({ file, text }));
  const options = {
    catalogue: loadCatalogue("tools.yaml", catalogue),
    people: parsePeopleFile("people.yaml", people).map(({ person }) => person),
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
  test.each(all)("case %#", (one) => expect(found(one.policies)).toEqual(one.found));
});

test("a budget is taken from where a tool costs something", () => {
  const priced = tools.replace("action: read", "action: read\n    cost: 1");
  expect(found({ "p.yaml": "agent: a\nlimits: {daily_budget: 5}\nactions: [{name: deploy}]" }, priced)).toEqual([]);
});

test("without a catalogue and people nothing is said that depends on them", () => {
  const text =
    "agent: a\ntools: [nope]\nlimits: {daily_budget: 1}\nactions: [{name: x, max_n: 1, approval: {when: true, approvers: [z]}}]";
  const options = { catalogue: null, people: null, engine };
  expect(lintPolicies([{ file: "p.yaml", text }], policies({ "p.yaml": text }), options)).toEqual([]);
});
