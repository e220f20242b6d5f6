import { type Catalogue, describe as describeCall, loadCatalogue } from "../../src/decode/index.js";
import { Refusal } from "../../src/refusal.js";
import { reasonOf, request, type Sketch } from "./request.js";

export type Entry = Record<string, unknown>;

export const deployApi: Entry = {
  name: "deploy-api",
  match: { hosts: ["deploy.internal"], methods: ["POST"], path: "/v1/{verb}" },
  action: "{path.verb}",
  environment: "{body.environment}",
  params: "{body}",
};
export const shell: Entry = { name: "shell", protocol: "check" };

export const catalogueOf = (...tools: Entry[]): Catalogue => loadCatalogue("tools.yaml", JSON.stringify({ tools }));

/** What a body means, given the catalogue's entries. */
export function described(body: unknown, entries: Entry[] = [deployApi, shell], sketch: Sketch = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const sent = { authority: "countersign:9192", scheme: "http", target: "/v1/check", body: text, ...sketch } as const;
  return describeCall(request(sent), catalogueOf(...entries));
}

export const reason = (...given: Parameters<typeof described>) => reasonOf(() => described(...given));

/** The text of the refusal. */
export function detail(...given: Parameters<typeof described>): string {
  try {
    described(...given);
  } catch (error) {
    if (error instanceof Refusal) return error.detail;
  }
  throw new Error("not refused");
}

export const deploy = { tool: "deploy-api", action: "deploy", params: { environment: "staging", replicas: 3 } };
