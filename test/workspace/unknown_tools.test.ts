import { loadCatalogue } from "../../src/decode/catalogue.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { unknownTools } from "../../src/workspace/unknown_tools.js";
import { program, toolsOf } from "./fixture.js";

const catalogue = loadCatalogue("tools.yaml", toolsOf("deploy-api"));
const warnings = async (policy: string) =>
  unknownTools({ catalogue, policies: await compilePolicySet([{ file: "g.yaml", text: policy }], program, "enforce") });

test("a tool that the catalogue does not have is told, once", async () => {
  expect(await warnings("guardrail: true\ntools: [deploy_api, deploy-api]\ndeny_actions: [kill]\n")).toEqual([
    "g.yaml: the catalogue has no tool deploy_api, so this never applies to it",
  ]);
});

test("policies for tools that are there, or for all, are fine", async () => {
  expect(await warnings("agent: a\ntools: [deploy-api]\nactions: [{name: x}]\n")).toEqual([]);
  expect(await warnings("agent: a\nactions: [{name: x}]\n")).toEqual([]);
});
