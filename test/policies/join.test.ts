import fc from "fast-check";
import { compileDocuments, type PolicyText } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";

const program = loadProgram();
const agent = fc.constantFrom(..."abcdefgh".split("").map((name) => `agent-${name}`), "*");
/** What each of some files names; `null` for a guardrail. */
const naming = fc.array(fc.option(fc.uniqueArray(agent, { minLength: 1 }), { freq: 4 }), {
  minLength: 1,
  maxLength: 6,
});

const textOf = (agents: readonly string[] | null, at: number): PolicyText => ({
  file: `${at}.yaml`,
  text: agents
    ? `agents: ${JSON.stringify(agents)}\nactions: [{name: deploy, max_replicas: ${at + 1}}]\n`
    : "guardrail: true\ndeny_actions: [delete]\n",
});

/** Set after set, since one takes over what it can from the last: also of the same number of other agents. */
test("an agent gets all files that name it and all guardrails, whatever the set before it was", () => {
  fc.assert(
    fc.property(fc.array(naming, { minLength: 1, maxLength: 3 }), (sets) => {
      for (const files of sets) {
        const documents = compileDocuments(files.map(textOf), program, "enforce");
        const named = [...new Set(["*", ...files.flatMap((agents) => agents ?? [])])].sort();
        expect([...documents.keys()]).toEqual(named);
        for (const id of named) {
          const grants = files.flatMap((agents, at) => (agents?.includes(id) ? [`${at}.yaml`] : []));
          const guards = files.flatMap((agents, at) => (agents ? [] : [`${at}.yaml`]));
          expect(documents.get(id)?.files.map(({ file }) => file)).toEqual([...grants, ...guards]);
        }
      }
    }),
    { numRuns: 60 },
  );
});
