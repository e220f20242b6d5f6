import { z } from "zod";

const text = z.string().min(1, "must not be empty");
const scalar = z.union([z.string(), z.number(), z.boolean()], "must be a text, a number, true or false");
const texts = z.array(text, "must be a list");

/** `z.record` leaves `__proto__` out without a word, so it is looked for before. */
const parameterMap = z.preprocess(
  (value, context) => {
    if (typeof value === "object" && value !== null && Object.hasOwn(value, "__proto__")) {
      context.addIssue({ code: "custom", path: ["__proto__"], message: "the name __proto__ is not permitted" });
    }
    return value;
  },
  z.record(text, scalar),
);

const field = text.nullish();

const tool = z.strictObject({
  /** No colon, since a scope is split at the first one. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "must be letters, digits, dots, hyphens or underscores")
    .describe("as policies and scopes call it"),
  match: z
    .strictObject({
      hosts: texts.min(1, "must name at least one host").describe("deploy.internal, *.internal, or with a port"),
      methods: z
        .array(z.string().regex(/^[A-Z][A-Z-]{0,31}$/, "must be a method in upper-case letters"))
        .min(1, "must name at least one method; leave it out for any")
        .optional()
        .describe("any by default"),
      path: text.describe("{x} is one segment: /v1/{action}"),
    })
    .optional()
    .describe("required, and forbidden with protocol check"),
  protocol: z
    .enum(["http", "check", "mcp"], "must be http or check")
    .default("http")
    .describe("check: no HTTP tool; its calls are described to /v1/check"),
  action: text.optional().describe("a constant, or a placeholder such as {path.action}; required with protocol http"),
  environment: field.describe("a constant pins it to the host; or {body.environment}"),
  body: z.literal("none", "must be none, or left out").optional().describe("none: the tool takes no body"),
  params: z
    .union([text, parameterMap], "must be a placeholder or a map")
    .optional()
    .describe("{body}, or a map of names to placeholders"),
  numbers: texts.default([]).describe("parameters that come as text and are numbers"),
  image: z.union([text, texts], "must be a text or a list of texts").nullish().describe("image references of the call"),
  service: field.describe("what is deployed or changed"),
  image_tag: field.describe("for the record"),
  deployment_id: field.describe("for the record; by default the decision's id"),
  amount: z
    .union([text, z.number()], "must be a placeholder or a number")
    .nullish()
    .describe("of money, for the record"),
  classification: texts.default([]).describe("what data the tool exposes"),
  cost: z.number("must be a number").default(0).describe("what a call takes from the daily budget"),
});

/** Which of the two kinds an entry is, for editors; `compileTool` says it with a place. */
const kinds = {
  anyOf: [
    { type: "object", properties: { match: {}, action: {} }, required: ["match", "action"] },
    { type: "object", properties: { protocol: { const: "check" } }, required: ["protocol"] },
  ],
};

/** The form of `tools.yaml`; what a schema cannot say is checked when entries are compiled. */
export const catalogueSchema = z.strictObject({ tools: z.array(tool.meta(kinds), "must be a list of tools") });

/** One entry as written. */
export type ToolEntry = z.output<typeof tool>;
