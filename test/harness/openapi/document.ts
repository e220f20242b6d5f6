import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type RouteAccess, routeAccess } from "../../../src/http/access.js";
import { repository } from "../programs.js";
import { formatted, type JsonValue } from "./format.js";
import type { Answered, Operation } from "./operation.js";
import { operations } from "./operations.js";
import { type AnswerName, answers, type BodyName, bodies } from "./schemas.js";

export type JsonObject = { [name: string]: JsonValue };

const schemasAt = "#/components/schemas/";

/** Credentials by the name of their security scheme. */
const schemes = {
  agentToken: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "an agent's token" },
  apiKey: { type: "apiKey", in: "header", name: "x-api-key", description: "an agent's API key" },
  personToken: {
    type: "http",
    scheme: "bearer",
    description: "a person's token, of people.yaml or of a trusted issuer",
  },
  pageSession: {
    type: "apiKey",
    in: "cookie",
    name: "countersign_session",
    description: "somebody who has signed in at /approvals; changes need x-csrf-token and the page's Origin as well",
  },
  approvalLink: {
    type: "apiKey",
    in: "cookie",
    name: "countersign_link",
    description: "what a link has opened; shows this one approval",
  },
  clientSecret: { type: "http", scheme: "basic", description: "id of an agent and its API key, each form-encoded" },
} as const;
type Scheme = keyof typeof schemes;

/** Who may, where it is not what the route's own access says. */
const others: Partial<Record<keyof typeof routeAccess, { access: readonly string[]; by: readonly (Scheme | null)[] }>> =
  {
    "POST /v1/check": { access: ["agent"], by: ["agentToken", "apiKey"] },
    "GET /readyz": { access: ["public"], by: [null, "personToken"] },
    "GET /approvals/session": { access: ["public"], by: [null, "pageSession", "approvalLink"] },
    "DELETE /approvals/session": { access: ["public"], by: [null, "pageSession"] },
    "POST /oauth2/token": { access: ["public"], by: [null, "clientSecret"] },
    "POST /oauth2/revoke": { access: ["public"], by: [null, "clientSecret"] },
  };

/** The OpenAPI document of the HTTP API. */
export function openApi(): JsonObject {
  const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { version: string };
  const paths: { [path: string]: JsonObject } = {};
  for (const [route, operation] of Object.entries(operations) as [keyof typeof routeAccess, Operation][]) {
    const [method = "", path = ""] = route.split(" ");
    const template = path.replace(/:(\w+)/g, "{$1}");
    paths[template] = { ...paths[template], [method.toLowerCase()]: described(route, operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Countersign",
      version,
      summary: "Decisions, approvals, agents and policies of an Envoy authorizer for the tool traffic of AI agents",
      description:
        "Every GET route answers HEAD too. JSON that is sent must be strict: UTF-8, no name twice, no unknown members. Unknown query parameters are refused where a route has any.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "public_url of the installation" }],
    tags: [...new Set(Object.values(operations).map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...written(bodies, "input"), ...written(answers, "output") },
      securitySchemes: { ...schemes },
    },
  };
}

export const openApiText = (): string => formatted(openApi());

function described(route: keyof typeof routeAccess, operation: Operation): JsonObject {
  const { id, summary, description, tag, body, answers: given } = operation;
  const access: RouteAccess = routeAccess[route];
  const { by, ...who } = others[route] ?? {
    access: typeof access === "string" ? ["public"] : access,
    by: schemesOf(access),
  };
  const parameters = parametersOf(operation);
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    "x-access": [...who.access],
    security: by.map((scheme) => (scheme === null ? {} : { [scheme]: [] })),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: requestBody(body) }),
    responses: Object.fromEntries(Object.entries(given).map(([status, one]) => [status, responseOf(one)])),
  };
}

function schemesOf(access: RouteAccess): Scheme[] {
  if (typeof access === "string") return [];
  const people = access.some((one) => one !== "agent" && one !== "link");
  return [
    ...(people ? (["personToken", "pageSession"] as const) : []),
    ...(access.includes("link") ? ["approvalLink" as const] : []),
    ...(access.includes("agent") ? (["agentToken", "apiKey"] as const) : []),
  ];
}

function parametersOf({ path = {}, query, headers = {} }: Operation): JsonObject[] {
  const text = { type: "string" };
  const shape = query ? (plain(z.toJSONSchema(query.schema, { io: "input" })).properties as JsonObject) : {};
  return [
    ...Object.entries(path).map(([name, says]) => ({
      name,
      in: "path",
      required: true,
      description: says,
      schema: text,
    })),
    ...Object.entries(shape).map(([name, schema]) => ({
      name,
      in: "query",
      description: query?.says[name] ?? "",
      schema,
    })),
    ...Object.entries(headers).map(([name, says]) => ({ name, in: "header", description: says, schema: text })),
  ];
}

function requestBody({ type, schema, required, examples }: NonNullable<Operation["body"]>): JsonObject {
  const named = Object.entries(examples).map(([name, value]) => [name, { value: value as JsonValue }]);
  return {
    required,
    content: { [type]: { schema: { $ref: schemasAt + schema }, examples: Object.fromEntries(named) } },
  };
}

function responseOf({ description, content, headers }: Answered): JsonObject {
  const types = Object.entries(content ?? {}).map(([type, schema]) => [type, { schema: contentOf(schema) }]);
  const named = Object.entries(headers ?? {}).map(([name, says]) => [
    name,
    { description: says, schema: { type: "string" } },
  ]);
  return {
    description,
    ...(headers && { headers: Object.fromEntries(named) }),
    ...(content && { content: Object.fromEntries(types) }),
  };
}

function contentOf(schema: AnswerName | "text" | "bytes"): JsonObject {
  if (schema === "text") return { type: "string" };
  return schema === "bytes" ? { type: "string", format: "binary" } : { $ref: schemasAt + schema };
}

/** The schemas by name, with references to each other. */
function written(named: Partial<Record<BodyName | AnswerName, z.ZodType>>, io: "input" | "output"): JsonObject {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io, uri: (id) => schemasAt + id });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, plain(schema)]));
}

function plain(schema: object): JsonObject {
  const { $schema: _, $id: __, "~standard": ___, ...rest } = JSON.parse(JSON.stringify(schema)) as JsonObject;
  return rest;
}
