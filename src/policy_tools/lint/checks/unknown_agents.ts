import type { Path } from "../../../files/located_yaml.js";
import type { Check } from "../check.js";

/** An agent that nobody registered: who is meant by it is judged by the files for `"*"`. */
export const unknownAgents: Check = {
  level: "warning",
  find: ({ files, agents }) => {
    if (!agents) return [];
    return files.flatMap(({ source }) => {
      const { agent, agents: list = [] } = source.value;
      const named: [string, Path][] = list.map((id, index) => [id, ["agents", index]]);
      if (agent !== undefined) named.push([agent, ["agent"]]);
      return named
        .filter(([id]) => id !== "*" && !agents.includes(id))
        .map(([id, path]) =>
          source.problem(path, `no agent ${id} is registered; who is meant may be judged by the files for "*"`),
        );
    });
  },
};
