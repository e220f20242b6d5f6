import type { Path } from "../../files/located_yaml.js";
import type { ActionSource } from "../../policies/schema.js";

/** Every parameter that an entry speaks of, with its place in the entry. */
export function parametersOf({ bounds, params = {}, cost }: ActionSource): [string, Path][] {
  const per = typeof cost === "object" ? Object.keys(cost.per ?? {}) : [];
  return [
    ...bounds.map(({ param, key }): [string, Path] => [param, [key]]),
    ...Object.keys(params).map((param): [string, Path] => [param, ["params", param]]),
    ...per.map((param): [string, Path] => [param, ["cost", "per", param]]),
  ];
}
