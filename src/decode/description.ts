import { z } from "zod";
import type { Json } from "../call.js";
import { quote } from "../json/quote.js";
import { Refusal } from "../refusal.js";

/** The body of `POST /v1/check`: a call in the words that policies judge. */
export const descriptionSchema = z.strictObject({
  tool: z.string().min(1).describe("the tool's name in the catalogue"),
  action: z.string().min(1),
  environment: z.string().min(1).exactOptional(),
  params: z.record(z.string(), z.unknown()).exactOptional().describe("what the catalogue reads as the tool's body"),
  destination: z
    .string()
    .min(1)
    .exactOptional()
    .describe("host or host:port that the call goes to; without a port, 443. Needed where a policy has egress"),
});

/** What a caller states of a call, before the catalogue has its say. */
export interface Description {
  tool: string;
  action: string;
  /** Absent = what the catalogue gives or finds in the parameters. */
  environment?: string;
  params: { readonly [name: string]: Json };
  destination?: string;
}

/** Reads a parsed body. Throws `missing_action`, and `malformed_parameter` for anything else that is not as it must be. */
export function readDescription(body: { [name: string]: Json }): Description {
  const { data, error } = descriptionSchema.safeParse(body);
  if (data) return { ...data, params: (data.params ?? {}) as Description["params"] };
  const [issue] = error.issues;
  if (issue?.code === "unrecognized_keys") {
    throw new Refusal("malformed_parameter", `the body has the unknown member ${quote(issue.keys[0] ?? "")}`);
  }
  const member = String(issue?.path[0]);
  if (member === "action") throw new Refusal("missing_action", "the call does not say its action");
  throw new Refusal("malformed_parameter", `${member} is missing or not as it must be: ${wanted[member]}`);
}

const wanted: Readonly<Record<string, string>> = {
  tool: "a text",
  environment: "a text, or left out",
  params: "an object, or left out",
  destination: "a host or host:port, or left out",
};
