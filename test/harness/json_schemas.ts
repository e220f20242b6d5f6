import { z } from "zod";
import { recordSchema } from "../../src/audit/record_schema.js";
import { configSchema } from "../../src/config/schema.js";
import { catalogueSchema } from "../../src/decode/catalogue_schema.js";
import { mode, onViolation, ruleValues } from "../../src/policies/rule.js";
import { boundKey } from "../../src/policies/rules/bounds.js";
import { policySchema, writtenAction } from "../../src/policies/schema.js";
import { caseFileSchema } from "../../src/policy_tools/cases/schema.js";
import { agentsSchema } from "../../src/registry/agents_schema.js";
import { peopleSchema } from "../../src/registry/people_file.js";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The files that users write, and the lines that the server writes, by the name of their schema. */
const files: Record<string, { title: string; schema: z.ZodType }> = {
  countersign: { title: "Configuration of Countersign (countersign.yaml)", schema: configSchema },
  policy: { title: "Policy file of Countersign", schema: policySchema },
  "policy-cases": { title: "Cases for `countersign policy test`", schema: caseFileSchema },
  tools: { title: "Tool catalogue of Countersign (tools.yaml)", schema: catalogueSchema },
  agents: { title: "Registered agents of Countersign (agents.yaml)", schema: agentsSchema },
  people: { title: "People of Countersign (people.yaml)", schema: peopleSchema },
  "audit-record": { title: "One line of the audit trail of Countersign", schema: recordSchema },
};

/** Path in the checkout and text of each published JSON Schema. */
export function jsonSchemas(): { path: string; text: string; schema: JsonSchema }[] {
  return Object.entries(files).map(([name, { title, schema }]) => {
    const { $schema: dialect, ...rest } = written(schema);
    const whole: JsonSchema = {
      ...(dialect && { $schema: dialect }),
      $id: `urn:countersign:schema:${name}`,
      title,
      ...rest,
    };
    return { path: `docs/schemas/${name}.schema.json`, text: formatted(whole), schema: whole };
  });
}

/** As the formatter of the checkout has it: lists of names on one line where they fit, a comma after them counted. */
function formatted(schema: JsonSchema): string {
  const names = /^(.*)\[\n\s+("[^"\n]*"(?:,\n\s+"[^"\n]*")*)\n\s+\](,?)/gm;
  const line = (whole: string, before: string, inner: string, comma: string): string => {
    const flat = `${before}[${inner.replace(/,\n\s+/g, ", ")}]${comma}`;
    return flat.length <= 120 ? flat : whole;
  };
  return `${JSON.stringify(schema, null, 2).replace(names, line)}\n`;
}

/** What may be written in a file, not what it becomes when it is read. */
function written(schema: z.core.$ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => refine(zodSchema, jsonSchema),
  });
}

/** Says what a program checks and a schema does not show by itself. */
function refine(schema: z.core.$ZodType, json: z.core.JSONSchema.BaseSchema): void {
  const rule = ruleValues.get(schema);
  if (rule) {
    Object.assign(json, eitherForm(rule));
  } else if (isAction(schema)) {
    json.patternProperties = { [boundKey.source]: eitherForm(z.number()) };
    json.additionalProperties = false;
  } else if (schema instanceof z.ZodPipe && schema.in instanceof z.ZodTransform) {
    Object.assign(json, nested(schema.out));
  }
}

/** Checks that were added make another schema of the same shape. */
function isAction(schema: z.core.$ZodType): boolean {
  return (
    schema instanceof z.ZodObject && schema.shape.allowed_environments === writtenAction.shape.allowed_environments
  );
}

function eitherForm(value: z.core.$ZodType): JsonSchema {
  const long: JsonSchema = {
    type: "object",
    properties: { value: nested(value), mode: nested(mode), on_violation: nested(onViolation) },
    required: ["value"],
    additionalProperties: false,
  };
  return { anyOf: [nested(value), long] };
}

function nested(schema: z.core.$ZodType): JsonSchema {
  const { $schema: _, ...json } = written(schema);
  return json;
}
