import { type KeptPlan, Plans } from "../../src/evaluate/plans.js";
import type { AgentDocument } from "../../src/policies/document.js";

const documentOf = () => ({}) as AgentDocument;
const plan = (characters: number): KeptPlan => ({
  json: "x".repeat(characters),
  reads: { members: [], params: null, http: null, matches: [] },
  shortcut: null,
  address: 0,
  memory: 0,
});
const k = { tool: "t", action: "a", unmatched: false };
const million = 1024 * 1024;

test("plans that are asked for stay, those not used for long make room", () => {
  const plans = new Plans();
  const [used, unused] = [documentOf(), documentOf()];
  plans.set(used, k, plan(1));
  plans.set(unused, k, plan(1));
  for (let i = 0; i < 200; i++) {
    plans.set(documentOf(), k, plan(million));
    expect(plans.get(used, k)).toBeDefined();
  }
  expect(plans.get(unused, k)).toBeUndefined();
});

test("another document, and another tool and action, is another plan", () => {
  const plans = new Plans();
  const document = documentOf();
  plans.set(document, k, plan(1));
  expect(plans.get(documentOf(), k)).toBeUndefined();
  expect(plans.get(document, { ...k, action: "other" })).toBeUndefined();
  expect(plans.get(document, { ...k, action: null })).toBeUndefined();
  expect(plans.get(document, { ...k, tool: "a" })).toBeUndefined();
  expect(plans.get(document, { ...k, tool: null })).toBeUndefined();
  expect(plans.get(document, { ...k, unmatched: true })).toBeUndefined();
  expect(plans.get(document, k)).toBeDefined();
});
