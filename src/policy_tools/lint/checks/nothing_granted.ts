import type { Check } from "../check.js";

/** An agent with files of its own of which none lists an action: `"*"` does not cover it, so every call is refused. */
export const nothingGranted: Check = {
  level: "warning",
  find: ({ files, set }) =>
    files.flatMap(({ source, compiled, agents }) => {
      if (!compiled.grants) return [];
      const poor = agents.filter((agent) => {
        const own = set.documentOf(agent).document.files.filter(({ grants }) => grants);
        // Told once, at the first of the agent's files.
        return own.every(({ actions }) => actions.length === 0) && own[0]?.file === source.file;
      });
      if (poor.length === 0) return [];
      const place = source.value.agent === undefined ? "agents" : "agent";
      const rest = poor.includes("*") ? "" : ', and files for "*" do not count for it';
      return [source.problem([place], `no file for ${poor.join(", ")} lists an action${rest}: every call is refused`)];
    }),
};
