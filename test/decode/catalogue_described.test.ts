import { loadCatalogue } from "../../src/decode/index.js";
import { problems } from "./catalogue_problems.js";

test("entries for described calls take action, environment and parameters from the call", () => {
  const [tool, bare] = loadCatalogue(
    "tools.yaml",
    "tools: [{name: t, protocol: check}, {name: bare, protocol: check, environment: null, body: none}]",
  ).tools;
  const path = (name: string) => ({ kind: "reference", reference: { source: "path", names: [name] } });
  expect(tool).toMatchObject({
    protocol: "check",
    hosts: [],
    action: path("action"),
    environment: path("environment"),
  });
  expect(tool?.params).toEqual({
    kind: "object",
    template: { kind: "reference", reference: { source: "body", names: [] } },
  });
  expect(bare).toMatchObject({ environment: null, params: { kind: "named", templates: [] }, takesBody: false });
});

describe("entries for described calls of one name", () => {
  const two = (first: string, second: string) =>
    problems(`tools:\n  - {name: t, protocol: check, ${first}}\n  - {name: t, protocol: check, ${second}}\n`);

  test.each([
    ["actions", "action: a", "action: b"],
    ["environments", "environment: a", "environment: b"],
  ])("apart by their %s load", (_name, first, second) => {
    expect(two(first, second)).toEqual([]);
  });

  test.each([
    ["the same", "action: a", "action: a"],
    ["any action", "cost: 1", "action: a"],
    ["any environment", "action: a", "action: a, environment: e"],
  ])("that overlap, %s, are refused", (_name, first, second) => {
    expect(two(first, second)).toEqual([
      "tools.yaml:3:12: tools[1].name: t (tools[1]) can be meant by the same described call as t (tools[0])",
    ]);
  });

  test("are told from those for HTTP", () => {
    expect(problems("tools: [{name: t, protocol: check}, {name: t, action: a, match: {hosts: [h], path: /}}]")).toEqual(
      [],
    );
  });
});
