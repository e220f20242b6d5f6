import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Json } from "../../src/call.js";
import { InvalidFile, type Located, parseLocated } from "../../src/files/located_yaml.js";
import { mergePatch } from "../../src/json/merge_patch.js";
import type { ErrorName } from "../../src/reasons.js";
import type { Mode, Verdict } from "../../src/verdict.js";
import type { Files } from "../pipeline/world.js";

/** A call as a case describes it; README.md says what each key means. */
export interface CallCase {
  agent?: string;
  token?: {
    claims?: Record<string, Json>;
    without?: string[];
    age?: string;
    lifetime?: string;
    type?: string;
    key?: "other";
  };
  api_key?: string;
  override?: string;
  request_id?: string;
  method?: string;
  scheme?: "http" | "https";
  host?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  json?: Json;
  form?: Record<string, string>;
  text?: string;
  base64?: string;
  partial_body?: boolean;
  attestation?: { claims?: Record<string, Json>; without?: string[]; age?: string; key?: "other" };
  principal?: string;
}

export interface Want {
  status: number;
  verdict: Verdict;
  decision?: Verdict;
  mode?: Mode;
  reason: string;
  told?: string;
  error?: ErrorName;
  detail?: string;
  violations?: Record<string, Json>[];
  approval?: string;
  headers?: Record<string, string | null>;
  tool_sees?: { headers?: Record<string, string | null>; query?: Record<string, string | null> };
  record?: Record<string, Json>;
}

export interface AnswerCase {
  approval: string;
  by: string;
  decision: "approve" | "deny";
  status?: number;
  state?: string;
}

/** One thing that happens; `call` and `files` are whole here, with the file's own already underneath. */
export interface Step {
  after?: string;
  files?: Files;
  answer?: AnswerCase;
  /** Id of a token. */
  revoke?: string;
  call?: CallCase;
  want?: Want;
  times?: number;
}

export interface Case {
  description: string;
  time?: string;
  files: Files;
  steps: Step[];
}

export interface CaseFile {
  file: string;
  description: string;
  cases: Case[];
}

interface Written {
  description: string;
  time?: string;
  files: Json;
  call?: Json;
  cases: (Omit<Case, "files" | "steps"> & { files?: Json; steps?: WrittenStep[] } & WrittenStep)[];
}
type WrittenStep = Omit<Step, "files" | "call"> & { files?: Json; call?: Json };

const folder = dirname(fileURLToPath(import.meta.url));

/** What a case file may say, for every implementation. */
export const caseSchema = z.fromJSONSchema(
  JSON.parse(readFileSync(join(folder, "case.schema.json"), "utf8")),
) as unknown as z.ZodType<Written>;

/** Every case file beside this one. Throws `InvalidFile` with place for what the schema does not permit. */
export function readCaseFiles(): CaseFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  return names.sort().map((name) => parseCaseFile(name, readFileSync(join(folder, name), "utf8")));
}

/** Reads one file and puts what its cases share underneath each of them. */
export function parseCaseFile(file: string, text: string): CaseFile {
  const located = parseLocated(file, text, caseSchema);
  const { description, files: shared, call: ground = {}, time, cases } = located.value;
  return {
    file,
    description,
    cases: cases.map((written, index) => {
      const { description, time: own = time, files: patch = {}, steps, ...only } = written;
      const happening: WrittenStep[] = steps ?? [only];
      const problem = formProblem(written) ?? happening.map(stepProblem).find(Boolean);
      if (problem) throw new InvalidFile([mistake(located, index, problem)]);
      let files = mergePatch(shared, patch);
      return {
        description,
        ...(own && { time: own }),
        files: files as unknown as Files,
        steps: happening.map(({ files: change, call, ...step }) => {
          files = mergePatch(files, change ?? {});
          return {
            ...step,
            ...(change && { files: files as unknown as Files }),
            ...(call !== undefined && { call: mergePatch(ground, call) as CallCase }),
          };
        }),
      };
    }),
  };
}

function formProblem({ steps, call, want }: Written["cases"][number]): string | undefined {
  return (steps === undefined) === (call === undefined && want === undefined)
    ? "has either steps or call and want"
    : undefined;
}

function stepProblem({ call, want, answer, revoke, files, after, times }: WrittenStep): string | undefined {
  if ((call === undefined) !== (want === undefined)) return "call and want belong together";
  if (times !== undefined && call === undefined) return "only a call can happen several times";
  return (call ?? answer ?? revoke ?? files ?? after) ? undefined : "nothing happens in this step";
}

function mistake(located: Located<unknown>, index: number, message: string) {
  return located.problem(["cases", index], message);
}
