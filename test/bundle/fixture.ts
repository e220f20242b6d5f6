import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Entries, pack, unpack } from "../../src/bundle/archive.js";
import { packBundle } from "../../src/bundle/write.js";
import { generateKey, type KeyKind, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { compilePolicySet, type PolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";

export const program = loadProgram();
export const nowMs = Date.parse("2026-03-02T09:30:00Z");

const texts = [
  {
    file: "own.yaml",
    text: 'agent: a\ntools: [deploy-api]\nactions:\n  - name: deploy\n    approval_needed: env == "production"\n    allowed_environments: [staging]\n    max_replicas: 5\nlimits: {rate: 5/s, daily_budget: 10, session_budget: 2, tools: {deploy-api: {rate: 1/s}}}\n',
  },
  { file: "rest.yaml", text: 'agent: "*"\nactions: [{name: read}]\n' },
  { file: "guard.yaml", text: 'guardrail: true\ndeny_actions: ["iam:*"]\n' },
];

export const set: PolicySet = await compilePolicySet(texts, program, "enforce");

/** The same with another limit. */
export function setWith(replicas: number): Promise<PolicySet> {
  const changed = texts.map(({ file, text }) => ({
    file,
    text: text.replace("max_replicas: 5", `max_replicas: ${replicas}`),
  }));
  return compilePolicySet(changed, program, "enforce");
}

export function newKey(kind: KeyKind = "EC"): Promise<SigningKey> {
  return signingKeyOf(generateKey(kind, "bundle"));
}

/** What a bundle of `set` holds, unsigned. */
export async function freshEntries(): Promise<Map<string, Buffer>> {
  return new Map(await unpack(await packBundle(set, null)));
}

/** A bundle's bytes after a change to what it holds. */
export async function changed(change: (entries: Map<string, Buffer>) => unknown, of?: Entries): Promise<Buffer> {
  const entries = new Map(of ?? (await freshEntries()));
  await change(entries);
  return pack(entries);
}

/** Replaces a JSON file of a bundle by what becomes of its content. */
export function edit(entries: Map<string, Buffer>, name: string, change: (value: never) => unknown): void {
  const value = JSON.parse(String(entries.get(name)));
  entries.set(name, Buffer.from(JSON.stringify(change(value as never) ?? value)));
}

/** Runs with a folder of its own. */
export async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-bundle-test-"));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
