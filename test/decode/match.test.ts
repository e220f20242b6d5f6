import fc from "fast-check";
import { loadCatalogue } from "../../src/decode/index.js";
import { matchTool } from "../../src/decode/match.js";
import { matchPath, type PathTemplate } from "../../src/decode/path_template.js";
import type { Tool } from "../../src/decode/tool.js";
import { readAuthority } from "../../src/host/authority.js";
import { matchHost, parseHostPattern } from "../../src/host/pattern.js";

const { tools } = loadCatalogue("tools.yaml", "tools: [{name: t, match: {hosts: [h], path: /}, action: a}]");
const [like] = tools;
if (!like) throw new Error("no tool to make others of");

const literal = fc.constantFrom("v1", "v2", "a", "");
const segment = fc.oneof(
  literal.map((text) => ({ kind: "literal" as const, text })),
  fc.constantFrom("x", "y").map((name) => ({ kind: "variable" as const, name })),
);
const host = fc.constantFrom("a.internal", "b.internal", "*.internal", "*.a.internal", "a.internal:8080", "10.0.0.1");
const tool = fc.record({
  name: fc.constantFrom("one", "two", "three"),
  hosts: fc.array(host.map(parseHostPattern), { minLength: 1, maxLength: 3 }),
  methods: fc.constantFrom(null, new Set(["GET"]), new Set(["GET", "POST"])),
  path: fc.array(segment, { minLength: 1, maxLength: 3 }) as fc.Arbitrary<PathTemplate>,
});
const asked = fc.record({
  authority: fc
    .constantFrom("a.internal", "b.internal", "x.a.internal", "a.internal:8080", "10.0.0.1", "other")
    .map((text) => readAuthority(text, "http")),
  method: fc.constantFrom("GET", "POST", "PUT"),
  segments: fc.array(literal, { minLength: 1, maxLength: 3 }),
});

test("what is found by host and length is what a look at every entry finds", () => {
  const outcomes = new Set<number>();
  fc.assert(
    fc.property(fc.array(tool, { maxLength: 6 }), asked, (rows, { authority, method, segments }) => {
      const catalogue = { tools: rows.map((row): Tool => ({ ...like, ...row })) };
      const all = catalogue.tools.flatMap((entry) => {
        if (entry.methods !== null && !entry.methods.has(method)) return [];
        if (!entry.hosts.some((pattern) => matchHost(pattern, authority))) return [];
        const variables = matchPath(entry.path, segments);
        return variables ? [{ tool: entry, variables }] : [];
      });
      outcomes.add(Math.min(all.length, 2));
      const match = () => matchTool(catalogue, authority, method, segments);
      if (all.length > 1) expect(match).toThrow("more than one tool");
      else expect(match()).toEqual(all[0] ?? null);
    }),
    { numRuns: 5_000, interruptAfterTimeLimit: 4_000 },
  );
  expect([...outcomes].sort()).toEqual([0, 1, 2]);
});
