import { createHash } from "node:crypto";
import { systemRuntime } from "../../src/runtime.js";
import { type Files, startWorld, type World } from "../pipeline/world.js";
import { type Api, api } from "./fixture.js";

export const hash = (text: string) => createHash("sha256").update(text).digest("hex");
export const bot = { id: "bot", scopes: ["*:*"], api_keys: [{ sha256: hash("key-bot") }] };
export const deployApi = {
  name: "deploy-api",
  match: { hosts: ["deploy.internal"], methods: ["POST"], path: "/v1/{action}" },
  action: "{path.action}",
  environment: "{body.environment}",
  params: "{body}",
};

export const filesOf = (policy: object, more: Partial<Files> = {}): Files => ({
  tools: [deployApi, { name: "shell", protocol: "check", classification: ["config"] }],
  agents: [bot],
  people: [{ id: "alice@example.com", access: ["approver"] }],
  policies: { "bot.yaml": { agent: "bot", ...policy } },
  ...more,
});

/** What ends with the test. */
export const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A server that asks the pipeline of a world. */
export async function serve(world: Pick<World, "decide" | "close">): Promise<Api> {
  undo.push(() => world.close());
  const made = await api({ decide: world.decide, id: systemRuntime.id });
  undo.push(() => made.app.close());
  return made;
}

export async function start(policy: object, more: Partial<Files> = {}): Promise<{ world: World; made: Api }> {
  const world = await startWorld(filesOf(policy, more));
  return { world, made: await serve(world) };
}

export const key = { "x-api-key": "key-bot" };
export const ask = (made: Api, body: string | object, headers: Record<string, string> = {}, url = "/v1/check") =>
  made.send({ method: "POST", url, headers: { ...key, ...headers }, payload: body });
export const decisions = async (world: World) => (await world.records()).filter(({ kind }) => kind === "decision");

export const run = { tool: "shell", action: "run", params: { jobs: 1 } };
export const open = { actions: [{ name: "*" }] };
