import fc from "fast-check";
import { InvalidFile, parseLocated } from "../../src/files/located_yaml.js";
import { parseAgentsFile } from "../../src/registry/agents_file.js";
import { agentsSchema } from "../../src/registry/agents_schema.js";

/** Makes any file long enough for pieces, at its end and with lines of its own. */
const padding = Array.from(
  { length: 1_600 },
  (_, n) => `  - {id: padding-${n}, scopes: ["tool-${n % 9}:*", "b:*"]}\n`,
).join("");
const long = (entries: string) => `# agents\nagents: # all\n\n  # first\n${entries}${padding}`;

function read(text: string): unknown {
  try {
    return parseAgentsFile("agents.yaml", text).entries;
  } catch (error) {
    if (error instanceof InvalidFile) return error.message;
    throw error;
  }
}

/** What the file says when it is read as a whole. */
function whole(text: string): unknown {
  try {
    const { agents } = parseLocated("agents.yaml", text, agentsSchema).value;
    return agents.map(({ api_keys, spiffe, model, ...agent }) => ({
      agent: { ...agent, ...(model === undefined ? {} : { model }) },
      keyHashes: api_keys.map(({ sha256 }) => sha256),
      spiffe,
    }));
  } catch (error) {
    if (error instanceof InvalidFile) return error.message;
    throw error;
  }
}

const key = "0123456789abcdef".repeat(4);
const entry = fc.constantFrom(
  "  - {id: a}\n",
  "  - id: b\n    model: some-model\n    scopes:\n      - deploy-api:deploy\n      - 'aws:*'\n",
  "  -\n    id: c\n",
  "  - id: d # a comment\n\n# another\n    disabled: true\n",
  `  - {id: e, api_keys: [{sha256: "${key}"}]}\n`,
  "  - id: f\n    model: >-\n      folded\n      - text\n",
  "  - {id: g,\n     model: two lines}\n",
  "  - {id: h, spiffe: [spiffe://d/h]}\r\n",
  "  - {id: 7}\n",
  "  - {id: i, unknown: x}\n",
  "  - id: j\n    scopes: &some [a:b]\n",
  "  - id: k\n    scopes: *some\n",
  '  - id: "l\n',
  "  - [m]\n",
  "  - n\n",
  "   - {id: o}\n",
  " - {id: p}\n",
  "other: {}\n",
  "---\n",
  "...\n",
  "\t- {id: q}\n",
);

test("what a long file says does not depend on its being read in pieces", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
      const text = long(entries.join(""));
      const [pieces, all] = [read(text), whole(text)];
      if (typeof all === "string") expect(typeof pieces).toBe("string");
      else if (typeof pieces !== "string" || !/listed twice/.test(pieces)) expect(pieces).toEqual(all);
    }),
    { numRuns: 25, endOnFailure: true },
  );
});

const at = (text: string) => String(read(long(`${padding.replaceAll("padding", "front")}${text}`))).split("\n");

test.each([
  [
    "a wrong value",
    "  - {id: x, disabled: 3}\n",
    "agents.yaml:1605:23: agents[1600].disabled: expected true or false, not a number",
  ],
  ["an unknown key", "  - id: x\n    role: y\n", "agents.yaml:1606:11: agents[1600].role: unknown key"],
  [
    "a name that is there already",
    "  - {id: front-3}\n",
    "agents.yaml:1605:10: agents[1600].id: agent front-3 is listed twice",
  ],
  ["a missing bracket", "  - {id: x, scopes: [a}\n", "agents.yaml:1605:"],
])("%s has its place", (_name, text, wanted) => expect(at(text)[0]).toContain(wanted));

test("mistakes in several places are all told", () => {
  const text = long(`  - {id: 1}\n${padding.replaceAll("padding", "middle")}  - {id: 2}\n`);
  expect(
    String(read(text))
      .split("\n")
      .map((line) => line.split(" ")[0]),
  ).toEqual(["agents.yaml:5:10:", "agents.yaml:1606:10:"]);
});
