import { fingerprint } from "../../src/decode/index.js";
import { catalogueOf, deploy, deployApi, described, detail, type Entry, reason } from "./describing.js";
import { decodeWith, reasonOf, type Sketch } from "./request.js";

test("a call says all that the catalogue and the description give", () => {
  const entry = { ...deployApi, classification: ["config"], cost: 0.5 };
  const params = {
    replicas: 3,
    image: "a@sha256:1",
    service: "web",
    image_tag: "v2",
    deployment_id: 12,
    amount: 7,
  };
  const body = {
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    params,
    destination: "Deploy.Internal:8443",
  };
  expect(described(body, [entry])).toEqual({
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    service: "web",
    image_tag: "v2",
    deployment_id: "12",
    amount: 7,
    images: ["a@sha256:1"],
    params: { ...params, environment: "staging" },
    fromQuery: [],
    body: {},
    destination: { host: "deploy.internal", port: 8443, scheme: "https" },
    http: {
      method: "check",
      path: "/v1/check",
      query: [],
      headers: [{ name: "content-type", value: "application/json" }],
      content_type: "application/json",
      body_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
    costMicro: 500_000,
    classification: ["config"],
  });
});

test("a tool without HTTP needs no more than its name", () => {
  const call = described({ tool: "shell", action: "run", params: { command: "ls" } });
  expect(call).toMatchObject({ tool: "shell", action: "run", environment: null, params: { command: "ls" }, body: {} });
  expect(described({ tool: "shell", action: "run", environment: "ci" })).toMatchObject({
    environment: "ci",
    params: {},
  });
});

test("a call that names no destination goes nowhere, and a host without a port to 443", () => {
  expect(described(deploy).destination).toEqual({ host: "", port: 0, scheme: "https" });
  const query = { tool: "shell", action: "run", destination: "db" };
  expect(described(query).destination).toEqual({ host: "db", port: 443, scheme: "https" });
});

describe("means the same as over HTTP", () => {
  const json = (value: unknown): Sketch => ({ body: JSON.stringify(value) });

  test.each<[string, Entry, Record<string, unknown>, Sketch]>([
    ["environment in the parameters", {}, deploy, json(deploy.params)],
    [
      "environment stated",
      {},
      { tool: "deploy-api", action: "deploy", environment: "staging", params: { replicas: 3 } },
      json({ replicas: 3, environment: "staging" }),
    ],
    ["both, and equal", {}, { ...deploy, environment: "staging" }, json(deploy.params)],
    [
      "environment deep in the body",
      { environment: "{body.spec.target}" },
      { ...deploy, params: { spec: { replicas: 3 } }, environment: "staging" },
      json({ spec: { replicas: 3, target: "staging" } }),
    ],
    [
      "constants",
      { action: "deploy", environment: "staging" },
      { ...deploy, environment: "staging" },
      json(deploy.params),
    ],
    ["path and body together", { params: undefined }, deploy, json(deploy.params)],
    [
      "a map of parameters",
      {
        params: { replicas: "{body.spec.replicas}", verb: "{path.verb}", environment: "{body.environment}", fixed: 5 },
      },
      { ...deploy, params: { environment: "staging", spec: { replicas: 3 } } },
      json({ environment: "staging", spec: { replicas: 3 } }),
    ],
    [
      "action in the body",
      { action: "{body.op}", match: { hosts: ["deploy.internal"], path: "/v1/deploy" } },
      deploy,
      json({ ...deploy.params, op: "deploy" }),
    ],
    [
      "an action that is put together",
      { action: "do-{body.op}", match: { hosts: ["deploy.internal"], path: "/v1/deploy" } },
      { ...deploy, action: "do-it", params: { ...deploy.params, op: "it" } },
      json({ ...deploy.params, op: "it" }),
    ],
    [
      "fields",
      { service: "{path.verb}", image: ["{body.i}"] },
      { ...deploy, params: { ...deploy.params, i: "a:1" } },
      json({ ...deploy.params, i: "a:1" }),
    ],
    [
      "numbers as text",
      { numbers: ["replicas"] },
      { ...deploy, params: { ...deploy.params, replicas: "3" } },
      json({ ...deploy.params, replicas: "3" }),
    ],
  ])("%s", (_name, entry, body, sketch) => {
    const tool = { ...deployApi, ...entry };
    const { destination: _one, http: _other, ...meant } = described(body, [tool]);
    const { destination: _two, http: _another, ...sent } = decodeWith(tool, sketch);
    expect(meant).toEqual(sent);
  });

  test("an action in the query, as a parameter", () => {
    const tool = { ...deployApi, action: "{query.op}", params: undefined, match: { hosts: ["h"], path: "/" } };
    expect(described(deploy, [tool]).params).toEqual({ ...deploy.params, op: "deploy" });
    expect(reason({ ...deploy, params: { ...deploy.params, Op: "scale" } }, [tool])).toBe("ambiguous_parameter");
  });
});

describe("what the catalogue says is not to be got round", () => {
  test.each<[string, string, Entry, Record<string, unknown>]>([
    ["another action than the constant", "malformed_parameter", { action: "scale" }, deploy],
    [
      "another environment than the constant",
      "malformed_parameter",
      { environment: "production" },
      { ...deploy, environment: "staging" },
    ],
    [
      "an environment of a tool that has none",
      "malformed_parameter",
      { environment: null },
      { ...deploy, environment: "x" },
    ],
    [
      "another environment than the parameters say",
      "ambiguous_parameter",
      {},
      { ...deploy, environment: "production" },
    ],
    [
      "another environment than the parameters say in other letters",
      "ambiguous_parameter",
      {},
      { ...deploy, params: { Environment: "staging" }, environment: "production" },
    ],
    ["no environment", "missing_environment", {}, { ...deploy, params: {} }],
    ["an environment that is no text", "missing_environment", {}, { ...deploy, params: { environment: 5 } }],
    ["an empty environment", "malformed_parameter", {}, { ...deploy, environment: "" }],
    ["an environment on two lines", "malformed_parameter", {}, { ...deploy, params: {}, environment: "a\nb" }],
    ["an environment from the query", "missing_environment", { environment: "{query.env}" }, deploy],
    [
      "an environment from elsewhere in the path",
      "missing_environment",
      { ...{ match: { hosts: ["h"], path: "/{verb}/{env}" } }, environment: "{path.env}" },
      deploy,
    ],
    [
      "another action than the parameters say",
      "ambiguous_parameter",
      { action: "{body.op}" },
      { ...deploy, params: { environment: "e", op: "scale" } },
    ],
    [
      "another action than is put together",
      "ambiguous_parameter",
      { action: "do-{body.op}" },
      { ...deploy, params: { environment: "e", op: "it" } },
    ],
    ["an action put together from what is missing", "missing_action", { action: "do-{body.op}" }, deploy],
    [
      "the action again as a parameter",
      "ambiguous_parameter",
      { params: undefined },
      { ...deploy, params: { environment: "e", verb: "deploy" } },
    ],
    [
      "an action within what is no object",
      "malformed_parameter",
      { action: "{body.spec.op}" },
      { ...deploy, params: { environment: "e", spec: "x" } },
    ],
    [
      "a parameter that the catalogue does not read",
      "malformed_parameter",
      { params: { n: "{body.spec.n}" } },
      { ...deploy, params: { environment: "e", n: 500 } },
    ],
    [
      "a parameter beside the one that is read",
      "malformed_parameter",
      { params: "{body.spec}" },
      { ...deploy, params: { environment: "e", spec: {}, n: 500 } },
    ],
    [
      "a parameter that comes from the query",
      "malformed_parameter",
      { params: { n: "{query.n}" } },
      { ...deploy, params: { environment: "e", n: 500 } },
    ],
    ["an object of parameters that is missing", "malformed_parameter", { params: "{body.spec}" }, deploy],
    [
      "a parameter from elsewhere in the path",
      "malformed_parameter",
      { match: { hosts: ["h"], path: "/{verb}/{group}" }, params: { group: "{path.group}" } },
      { ...deploy, params: { environment: "e" } },
    ],
    [
      "a field from elsewhere in the path",
      "malformed_parameter",
      { match: { hosts: ["h"], path: "/{verb}/{group}" }, service: "{path.group}" },
      deploy,
    ],
    [
      "everything, with more in the path",
      "malformed_parameter",
      { match: { hosts: ["h"], path: "/{verb}/{group}" }, params: undefined },
      { ...deploy, params: { ...deploy.params, group: "g" } },
    ],
    [
      "parameters of a tool without a body",
      "body_unexpected",
      { body: "none", environment: "e", params: undefined },
      { ...deploy, params: { n: 1 } },
    ],
    [
      "a parameter that is no number",
      "malformed_parameter",
      { numbers: ["replicas"] },
      { ...deploy, params: { environment: "e", replicas: "many" } },
    ],
    ["an image that is no text", "malformed_parameter", {}, { ...deploy, params: { environment: "e", image: 5 } }],
  ])("%s: %s", (_name, wanted, entry, body) => {
    expect(reason(body, [{ ...deployApi, ...entry }])).toBe(wanted);
  });

  test("what lies beside the parameters is looked at too", () => {
    const entry = { ...deployApi, params: { n: "{body.spec.n}" } };
    const params = { environment: "e", spec: { n: 1, note: "a@b.example" } };
    expect(described({ ...deploy, params }, [entry]).body).toEqual(params);
  });

  test("the refusal says how the author of the catalogue can mend it", () => {
    const entry = { ...deployApi, match: { hosts: ["h"], path: "/{verb}/{group}" }, service: "{path.group}" };
    expect(detail(deploy, [entry])).toBe(
      'the tool takes "group" from its path, which a described call has not; the catalogue needs an entry with protocol check',
    );
  });
});

describe("of several entries of one name", () => {
  const entry = (action: string, environment: string, path: string): Entry => ({
    ...deployApi,
    action,
    environment,
    match: { hosts: ["deploy.internal"], path },
  });
  const call = (action: string, environment?: string) => ({
    tool: "deploy-api",
    action,
    ...(environment && { environment }),
  });
  const apart = [
    entry("deploy", "staging", "/a"),
    entry("deploy", "production", "/b"),
    entry("scale", "staging", "/c"),
  ];

  test.each<[string, object, string | object]>([
    ["action and environment", call("deploy", "production"), { action: "deploy", environment: "production" }],
    ["the action alone", call("scale"), { action: "scale", environment: "staging" }],
    ["not enough", call("deploy"), "ambiguous_tool"],
    ["none of them", call("scale", "production"), "malformed_parameter"],
    ["an action that none has", call("drop"), "malformed_parameter"],
  ])("%s", (_name, body, wanted) => {
    const found = reason(body, apart);
    if (typeof wanted === "string") expect(found).toBe(wanted);
    else expect(found).toMatchObject(wanted);
  });

  test("a constant action and a free one are ambiguous", () => {
    const entries = [deployApi, { ...deployApi, action: "restart", match: { hosts: ["h"], path: "/restart" } }];
    expect(reason({ ...deploy, action: "restart" }, entries)).toBe("ambiguous_tool");
  });

  test("the one with protocol check is meant, and no request is for it", () => {
    const own = { name: "deploy-api", protocol: "check", cost: 2, params: { replicas: "{body.n}" } };
    const entries = [deployApi, own];
    expect(described({ ...deploy, params: { n: 4 } }, entries)).toMatchObject({
      costMicro: 2e6,
      params: { replicas: 4 },
    });
    expect(catalogueOf(own).tools[0]?.hosts).toEqual([]);
    expect(reasonOf(() => decodeWith({ ...own, match: undefined, action: undefined }))).toBe("unknown_tool");
  });
});

test("no request has the fingerprint of a described call", () => {
  const { http } = described(deploy);
  expect(http.method).toBe("check");
});

describe("the fingerprint", () => {
  const of = (body: unknown) => fingerprint({ agent: "a", session: null, call: described(body) });
  const base = { tool: "shell", action: "run", environment: "ci", params: { a: 1, b: "x" }, destination: "h:1" };

  test("is one for all spellings of a body", () => {
    const spelled = ` {"params": {"b":"x", "a": 1.0}, "destination":"H:1", "environment":"ci","action":"run","tool":"shell"}`;
    expect(of(spelled)).toBe(of(base));
    expect(of({ ...deploy, environment: "staging" })).toBe(of(deploy));
    expect(of({ tool: "shell", action: "run", params: {} })).toBe(of({ tool: "shell", action: "run" }));
  });

  test.each<[string, object]>([
    ["tool", { ...base, tool: "deploy-api", destination: "deploy.internal:1" }],
    ["action", { ...base, action: "stop" }],
    ["environment", { ...base, environment: "prod" }],
    ["no environment", { ...base, environment: undefined }],
    ["a parameter", { ...base, params: { a: 2, b: "x" } }],
    ["one parameter more", { ...base, params: { ...base.params, c: null } }],
    ["the type of a parameter", { ...base, params: { a: "1", b: "x" } }],
    ["destination", { ...base, destination: "g:1" }],
    ["port", { ...base, destination: "h" }],
    ["no destination", { ...base, destination: undefined }],
  ])("changes with the %s", (_name, other) => {
    expect(of(other)).not.toBe(of(base));
  });

  test("covers what the catalogue does not make a parameter", () => {
    const entry = { ...deployApi, params: { n: "{body.spec.n}" } };
    const one = (note: string) =>
      fingerprint({
        agent: "a",
        session: null,
        call: described({ ...deploy, params: { environment: "e", spec: { n: 1, note } } }, [entry]),
      });
    expect(one("x")).not.toBe(one("y"));
  });
});
