import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { routeAccess } from "../../src/http/access.js";
import { expectUpToDate } from "../harness/golden.js";
import { type JsonObject, openApiText } from "../harness/openapi/document.js";
import { operations } from "../harness/openapi/operations.js";
import { repository } from "../harness/programs.js";
import { ask, type Exchange, exampleOf, exchanges, type Route } from "./exchanges.js";
import { origin } from "./exchanges_page.js";
import { type Api, api, as } from "./fixture.js";

// biome-ignore lint/suspicious/noExplicitAny: a document of many shapes
const document: any = JSON.parse(readFileSync(join(repository, "docs/openapi.json"), "utf8"));
const routes = Object.keys(routeAccess) as Route[];

interface Described {
  operationId: string;
  security: JsonObject[];
  "x-access": string[];
  parameters?: { name: string; in: string; required?: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object; examples: Record<string, { value: unknown }> }> };
  responses: Record<string, { headers?: object; content?: Record<string, { schema: object }>; description: string }>;
}

const templateOf = (route: Route) => route.split(" ")[1]?.replace(/:(\w+)/g, "{$1}") ?? "";
const operationOf = (route: Route): Described =>
  document.paths[templateOf(route)]?.[route.split(" ")[0]?.toLowerCase() ?? ""];

/** Every object in the document, with its place. */
function* objects(value: unknown, place = "#"): Generator<[place: string, object: Record<string, unknown>]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [place, value as Record<string, unknown>];
  for (const [name, member] of Object.entries(value)) yield* objects(member, `${place}/${name}`);
}

/** What checks values by a schema of the document. */
function checker(schema: object): z.ZodType {
  const text = JSON.stringify({ ...schema, $defs: document.components.schemas })
    .replaceAll("#/components/schemas/", "#/$defs/")
    // Read without the `u` flag, where `\p{...}` means something else.
    .replace(/"pattern":"[^"]*\\\\p\{[^"]*"/g, '"description":"text"');
  return z.fromJSONSchema(JSON.parse(text));
}

test("docs/openapi.json is up to date", () => expectUpToDate("docs/openapi.json", openApiText()));

describe("the document", () => {
  test("has every route, and no other", () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`),
    );
    expect(described.sort()).toEqual([...routes].sort());
  });

  test("says which version of OpenAPI it is, and of what", () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    const known = ["openapi", "info", "servers", "tags", "paths", "components"];
    expect(Object.keys(document).filter((key) => !known.includes(key))).toEqual([]);
  });

  test("refers to nothing that is not in it, and has nothing that nobody refers to", () => {
    const used = new Set<unknown>();
    for (const [, object] of objects(document)) if ("$ref" in object) used.add(object.$ref);
    const there = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect([...used].filter((ref) => !there.includes(ref as string))).toEqual([]);
    expect(there.filter((name) => !used.has(name))).toEqual([]);
  });

  test("names every operation once", () => {
    const ids = routes.map((route) => operationOf(route).operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id))).toEqual([]);
  });

  test.each(routes)("%s has what OpenAPI asks for", (route) => {
    const { parameters = [], responses, requestBody, security, "x-access": access } = operationOf(route);
    const variables = [...templateOf(route).matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const inPath = parameters.filter((one) => one.in === "path");
    expect(inPath.map(({ name, required }) => [name, required])).toEqual(variables.map((name) => [name, true]));
    expect(new Set(parameters.map((one) => `${one.in} ${one.name}`)).size).toBe(parameters.length);
    for (const { name, schema } of parameters) {
      expect(["accept", "content-type", "authorization"]).not.toContain(name);
      expect(schema).toBeInstanceOf(Object);
    }
    expect(Object.keys(responses).filter((status) => !/^[1-5]\d\d$/.test(status))).toEqual([]);
    expect(Object.values(responses).filter(({ description }) => !description)).toEqual([]);
    expect(requestBody !== undefined).toBe(/^(POST|PUT) /.test(route));
    const schemes = security.flatMap((one) => Object.keys(one));
    expect(schemes.filter((name) => !Object.hasOwn(document.components.securitySchemes, name))).toEqual([]);
    const declared: string | readonly string[] = routeAccess[route];
    const byPipeline = route === "POST /v1/check";
    expect(access).toEqual(byPipeline ? ["agent"] : typeof declared === "string" ? ["public"] : declared);
    expect(access.includes("public")).toBe(
      security.length === 0 || security.some((one) => Object.keys(one).length === 0),
    );
  });

  test.each(routes.filter((route) => operations[route].body))("the examples of %s fit its schema", (route) => {
    for (const { schema, examples } of Object.values(operationOf(route).requestBody?.content ?? {})) {
      expect(Object.keys(examples).length).toBeGreaterThan(0);
      for (const { value } of Object.values(examples)) expect(checker(schema).safeParse(value).error).toBeUndefined();
    }
  });

  test("is what the server gives out", async () => {
    const made = await api();
    const answer = await made.send({ url: "/openapi.json" });
    await made.app.close();
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.json()).toEqual(document);
  });
});

describe("what the running server answers is what the document says", () => {
  let all: Exchange[];
  beforeAll(async () => {
    all = await exchanges();
  });

  test.each(routes)("%s", (route) => {
    const { responses } = operationOf(route);
    const found = all.filter((one) => one.route === route);
    expect(found.length).toBeGreaterThan(5);
    for (const { about, answer } of found) {
      expect([about, mistakes(responses, answer)]).toEqual([about, []]);
    }
  });

  test("and every status in the document is one that it answers with", () => {
    const seen = new Set(all.map(({ route, answer }) => `${route} ${answer.statusCode}`));
    const unseen = routes.flatMap((route) =>
      Object.keys(operationOf(route).responses)
        .map((status) => `${route} ${status}`)
        .filter((answer) => !answer.endsWith(" 500") && !seen.has(answer)),
    );
    expect(unseen).toEqual(rare);
  });
});

/** What takes a race, a damaged store, a file that disables an agent, or more tokens than an agent is made (`test/oauth/pace`). */
const rare = ["POST /v1/agents/:id/disable 409", "POST /v1/agents/:id/enable 409", "POST /oauth2/token 429"];

/** Where an answer is none of those that are described. */
function mistakes(responses: Described["responses"], answer: Exchange["answer"]): string[] {
  const described = responses[String(answer.statusCode)];
  if (!described) return [`undocumented status ${answer.statusCode}: ${answer.body}`];
  const lacking = Object.keys(described.headers ?? {}).filter((name) => answer.headers[name] === undefined);
  const type = answer.headers["content-type"]?.split(";")[0];
  const content = described.content?.[type ?? ""];
  if (!described.content) return answer.body === "" ? lacking : ["an undocumented body"];
  if (!content) return [`undocumented type ${type}`];
  if (!type?.endsWith("json")) return lacking;
  const { error } = checker(content.schema).safeParse(answer.json());
  return [
    ...lacking,
    ...(error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}: ${answer.body}`),
  ];
}

describe("what the schemas refuse, the server refuses", () => {
  let made: Api;
  let credentials: Record<string, Record<string, string>>;
  beforeAll(async () => {
    made = await api();
    credentials = {
      agent: await made.agent("deploy-manager"),
      approver: as("bob"),
      admin: as("admin"),
      public: origin,
    };
  });
  afterAll(() => made.app.close());

  const posts = routes.filter((route) => operations[route].body);
  const jsonPosts = posts.filter((route) => operations[route].body?.type === "application/json");

  async function sent(route: Route, payload: string | object, headers: Record<string, string> = {}): Promise<number> {
    const [access = ""] = operationOf(route)["x-access"];
    const id = access === "approver" ? await made.here.open({ agent: `agent-${asked++}` }) : "other-agent";
    const answer = await ask(made, route, { id, headers: { ...credentials[access], ...headers }, payload });
    return answer.statusCode;
  }
  let asked = 0;

  test.each(posts)("the examples of %s are accepted", async (route) => {
    const { type, examples = {} } = operations[route].body ?? {};
    for (const [name, example] of Object.entries(examples)) {
      const form = { "content-type": type ?? "" };
      const payload =
        type === "application/json" ? example : new URLSearchParams(example as Record<string, string>).toString();
      const status = await sent(route, payload, type === "application/json" ? {} : form);
      // A version or a key that is not there is no fault of the body.
      expect([name, [400, 401, 413, 415, 500].includes(status)]).toEqual([name, false]);
    }
  });

  test.each(jsonPosts)("%s", async (route) => {
    const [{ schema, examples }] = Object.values(operationOf(route).requestBody?.content ?? {}) as [
      { schema: object; examples: Record<string, { value: object }> },
    ];
    const check = checker(schema);
    const tried = Object.values(examples).flatMap(({ value }) => spoiled(value as Record<string, unknown>));
    const refused = tried.filter((body) => !check.safeParse(body).success);
    expect(refused.length).toBeGreaterThan(2);
    for (const body of tried) {
      const text = JSON.stringify(body);
      const status = await sent(route, text, { "content-type": "application/json" });
      expect([text, status === 400]).toEqual([text, refused.includes(body) || finer.includes(text)]);
    }
  });

  test("a form without what it must have", async () => {
    const form = exampleOf("POST /oauth2/token").headers;
    expect(await sent("POST /oauth2/token", "client_id=a", form)).toBe(400);
    expect(await sent("POST /oauth2/revoke", "client_id=a", form)).toBe(400);
  });
});

/** What fits the schema and is no duration. */
const finer = ['{"keep_old_for":"text"}'];

/** Bodies that differ from a good one in one place. */
function spoiled(good: Record<string, unknown>): unknown[] {
  const others: unknown[] = [null, 7, "text", true, [], {}, [{}]];
  const members = Object.keys(good).flatMap((name) => {
    const { [name]: _, ...without } = good;
    return [without, ...others.map((value) => ({ ...good, [name]: value }))];
  });
  return [{ ...good, colour: "red" }, { ...good, extra: null }, [], [good], "text", 7, null, ...members];
}
