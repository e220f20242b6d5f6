import { loadProgram } from "../../src/policies/program.js";

const shortcut = {
  environments: [{ staging: true }],
  digests: [{ "sha256:a": true }],
  params: { replicas: [["max", 50]] },
  folded: { replicas: true },
  required: ["replicas"],
  conjunctions: [[["like", "environment", "production"]]],
  conditions: [],
  others: [],
  egress: [],
  cleans: false,
  seeks: {},
};
const input = { environment: "staging", images: ["app@sha256:a"], params: { replicas: 1, note: "x" } };
const passes = '[{"result":"allowed"}]';

const program = loadProgram().instantiate();

/** What the program says of a call with nothing but this before it. */
function said(data: object, call: object | null = input): string {
  const taken = program.taken();
  const address = program.put(JSON.stringify(data));
  const answer = program.ask("countersign/at_once", address, call === null ? "" : JSON.stringify(call));
  program.release(taken);
  return answer;
}

test("a call passes by a whole shortcut, and by nothing else of what lies before the program", () => {
  expect(said({ shortcut })).toBe(passes);
  for (const data of [{}, { shortcut: null }, { shortcut: {} }, { policies: { "(prepared)": { shortcut } } }]) {
    expect(said(data)).toBe("[]");
  }
  expect(said({ shortcut }, null)).toBe("[]");
});

test.each(Object.keys(shortcut))("a shortcut without its %s lets nobody pass", (name) => {
  const less = Object.fromEntries(Object.entries(shortcut).filter(([other]) => other !== name));
  expect(said({ shortcut: less })).toBe("[]");
});

test.each(Object.keys(input))("nor does a whole one let a call without its %s pass", (name) => {
  expect(said({ shortcut }, Object.fromEntries(Object.entries(input).filter(([other]) => other !== name)))).toBe("[]");
});
