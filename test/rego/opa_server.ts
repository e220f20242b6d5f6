import { freePort, startProcess } from "../harness/process.js";
import { repository } from "../harness/programs.js";
import type { Calls } from "./cases.js";

/** What a real OPA server with the policy program answers to all calls, in order. No decision is an empty list. */
export async function askOpa(program: string, asked: readonly Calls[]): Promise<unknown[][][]> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const server = await startProcess({
    name: "opa",
    command: program,
    args: ["run", "--server", "--log-level", "error", "--addr", `127.0.0.1:${port}`, "policies/rego"],
    cwd: repository,
    ready: async () => (await fetch(`${base}/health`)).ok,
  });
  const send = async (method: string, path: string, body: unknown): Promise<{ result?: unknown }> => {
    const answer = await fetch(`${base}/v1/data/${path}`, { method, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`opa: ${answer.status} ${text}`);
    return text === "" ? {} : JSON.parse(text);
  };
  try {
    const answers: unknown[][][] = [];
    for (const { policies, inputs } of asked) {
      await send("PUT", "policies", policies);
      const told = await Promise.all(inputs.map((input) => send("POST", "countersign/decision", { input })));
      answers.push(told.map((one) => ("result" in one ? [one.result] : [])));
    }
    return answers;
  } finally {
    await server.stop();
  }
}
