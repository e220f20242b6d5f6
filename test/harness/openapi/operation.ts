import type { z } from "zod";
import type { AnswerName, BodyName } from "./schemas.js";

export const problemType = "application/problem+json";
export const json = "application/json";

export const form = "application/x-www-form-urlencoded";

/** One answer of an operation. */
export interface Answered {
  description: string;
  /** By media type: the schema, or `text` and `bytes` for what has none. */
  content?: Readonly<Record<string, AnswerName | "text" | "bytes">>;
  headers?: Readonly<Record<string, string>>;
}

export interface Operation {
  id: string;
  summary: string;
  tag: "decisions" | "approvals" | "sessions" | "agents" | "policies" | "audit" | "tokens" | "operation" | "page";
  description?: string;
  /** Each with what it is. */
  path?: Readonly<Record<string, string>>;
  query?: { schema: z.ZodObject; says: Readonly<Record<string, string>> };
  /** Headers beside the credential. */
  headers?: Readonly<Record<string, string>>;
  body?: { type: string; schema: BodyName; required: boolean; examples: Readonly<Record<string, object>> };
  answers: Readonly<Record<number, Answered>>;
}

const why: Readonly<Record<number, string>> = {
  400: "the request is malformed",
  401: "the caller proves nobody",
  403: "the caller's access does not cover this",
  404: "there is no such thing",
  409: "it is not possible as things are; `reason` says why",
  410: "it has expired",
  413: "the body is larger than 64 KiB",
  415: "the body is not application/json",
  500: "the server failed; its log says why",
  503: "the store or the audit trail does not answer; the same request may succeed later",
};

/** Problems of the HTTP API with these statuses; every route can fail, and every route of people and agents refuses. */
export function problems(...statuses: number[]): Record<number, Answered> {
  const answers = statuses.map((status): [number, Answered] => [
    status,
    {
      description: why[status] ?? "",
      content: { [problemType]: "Problem" },
      ...(status === 401 && { headers: { "www-authenticate": "the scheme to use" } }),
    },
  ]);
  return Object.fromEntries(answers);
}

/** One answer with a body. */
export const answer = (schema: AnswerName, description: string, type: string = json): Record<200, Answered> => ({
  200: { description, content: { [type]: schema } },
});
/** What guarded routes, and those that take a body as well, refuse with. */
export const guarded = [401, 403, 500];
export const posted = [400, 413, 415, 503, ...guarded];
