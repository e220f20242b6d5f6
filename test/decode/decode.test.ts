import { decode, loadCatalogue } from "../../src/decode/index.js";
import { decodeWith, reasonOf, request, type Sketch } from "./request.js";

const abcSha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const json = (value: unknown): Sketch => ({ body: JSON.stringify(value) });
const bare: Sketch = { method: "GET", headers: {}, body: "" };

test("a call says all that the catalogue and the request give", () => {
  const call = decodeWith(
    { environment: "{body.environment}", params: "{body}", classification: ["config"], cost: 0.5 },
    {
      authority: "Deploy.Internal.:8443",
      target: "/v1/d%65ploy?dry=1",
      ...json({ environment: "staging", replicas: 3, image: "a@sha256:1", service: "web", image_tag: "v2", amount: 7 }),
    },
  );
  expect(call).toEqual({
    tool: "deploy-api",
    action: "deploy",
    environment: "staging",
    service: "web",
    image_tag: "v2",
    deployment_id: null,
    amount: 7,
    images: ["a@sha256:1"],
    params: { environment: "staging", replicas: 3, image: "a@sha256:1", service: "web", image_tag: "v2", amount: 7 },
    fromQuery: [],
    body: {},
    destination: { host: "deploy.internal", port: 8443, scheme: "https" },
    http: {
      method: "POST",
      path: "/v1/deploy",
      query: [{ raw: "dry", name: "dry", value: "1" }],
      headers: [{ name: "content-type", value: "application/json" }],
      content_type: "application/json",
      body_sha256: "8a9f3999a9ae0bb1d18657cfa512de58e880f14fc58843cc6d57eab91ea57494",
    },
    costMicro: 500_000,
    classification: ["config"],
  });
});

describe("parameters", () => {
  test("default to path, query and body together", () => {
    expect(decodeWith({}, { target: "/v1/deploy?zone=eu", ...json({ replicas: 3, spec: { a: [1] } }) }).params).toEqual(
      {
        verb: "deploy",
        zone: "eu",
        replicas: 3,
        spec: { a: [1] },
      },
    );
  });

  test.each<[string, Record<string, unknown>, Sketch]>([
    ["path and body", {}, json({ verb: "x" })],
    ["path and query", {}, { target: "/v1/deploy?verb=x" }],
    ["query and body", {}, { target: "/v1/deploy?environment=production" }],
    ["query and body, where only the body counts", { params: "{body}" }, { target: "/v1/deploy?environment=x" }],
    ["query twice", { params: "{body}" }, { target: "/v1/deploy?a=1&a=2" }],
    [
      "form twice",
      {},
      { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "replicas=1&replicas=200" },
    ],
  ])("in two places, %s, are ambiguous", (_name, entry, sketch) => {
    expect(reasonOf(() => decodeWith(entry, sketch))).toBe("ambiguous_parameter");
  });

  test("come from a map", () => {
    const params = {
      replicas: "{body.spec.replicas}",
      text: "v{query.n}-{path.verb}",
      absent: "{body.nothing}",
      half: "a{query.none}",
      fixed: 5,
      zone: "eu",
      spec: "{body.spec}",
    };
    expect(decodeWith({ params }, { target: "/v1/deploy?n=7", ...json({ spec: { replicas: 3 } }) }).params).toEqual({
      replicas: 3,
      text: "v7-deploy",
      fixed: 5,
      zone: "eu",
      spec: { replicas: 3 },
    });
  });

  test("come from one member of the body", () => {
    expect(decodeWith({ params: "{body.spec}" }, json({ spec: { replicas: 3 } })).params).toEqual({ replicas: 3 });
  });

  test("come from the query alone", () => {
    expect(decodeWith({ params: "{query}" }, { ...bare, target: "/v1/list?a.b=1" }).params).toEqual({ "a.b": "1" });
  });

  test.each([[{}], [{ spec: null }], [{ spec: [1] }], [{ spec: "x" }]])(
    "are refused when their object is %p",
    (body) => {
      expect(reasonOf(() => decodeWith({ params: "{body.spec}" }, json(body)))).toBe("malformed_parameter");
    },
  );

  test("that are no text cannot become a part of one", () => {
    expect(reasonOf(() => decodeWith({ params: { a: "v{body.n}" } }, json({ n: 1 })))).toBe("malformed_parameter");
  });

  test("are own members only", () => {
    const params = { a: "{body.constructor}", b: "{body.toString.name}", c: "{query.valueOf}" };
    expect(decodeWith({ params }, json({})).params).toEqual({});
  });

  test.each(["%5f%5fproto%5f%5f=1", "__proto__=1"])("may not be %s", (query) => {
    expect(reasonOf(() => decodeWith({}, { target: `/v1/deploy?${query}` }))).toBe("malformed_query");
  });
});

describe("numbers", () => {
  const entry = { numbers: ["replicas"] };
  test("in text are read", () => {
    expect(decodeWith(entry, { ...bare, target: "/v1/scale?replicas=200" }).params).toEqual({
      verb: "scale",
      replicas: 200,
    });
  });
  test("in JSON stay", () => {
    expect(decodeWith(entry, json({ replicas: 2.5 })).params.replicas).toBe(2.5);
  });
  test("may be absent", () => {
    expect(decodeWith(entry, json({})).params).toEqual({ verb: "deploy" });
  });
  test.each(["", "0x10", "1e3", "200 ", "+5", "1,5", "\u0661", "9007199254740993"])("are not %p", (text) => {
    const target = `/v1/scale?replicas=${encodeURIComponent(text)}`;
    expect(reasonOf(() => decodeWith(entry, { ...bare, target }))).toBe("malformed_parameter");
  });
  test.each([[null], [true], [[5]], [{}]])("are not %p", (value) => {
    expect(reasonOf(() => decodeWith(entry, json({ replicas: value })))).toBe("malformed_parameter");
  });
});

describe("action and environment", () => {
  test.each([[{}], [{ op: "" }], [{ op: null }], [{ op: 5 }], [{ op: ["deploy"] }], [{ op: { a: 1 } }]])(
    "are missing in %p",
    (body) => {
      expect(reasonOf(() => decodeWith({ action: "{body.op}" }, json(body)))).toBe("missing_action");
      expect(reasonOf(() => decodeWith({ environment: "{body.op}" }, json(body)))).toBe("missing_environment");
    },
  );
  test("may be constants", () => {
    const call = decodeWith({ action: "iam:CreateRole", environment: "production" });
    expect([call.action, call.environment]).toEqual(["iam:CreateRole", "production"]);
  });
  test("environment is null when the catalogue names none", () => {
    expect(decodeWith({}).environment).toBeNull();
  });
  test("a body that is absent offers nothing", () => {
    expect(reasonOf(() => decodeWith({ environment: "{body.environment}" }, bare))).toBe("missing_environment");
  });
});

describe("fields", () => {
  test.each<[string, Record<string, unknown>, unknown, string[]]>([
    ["a text", {}, { image: "a" }, ["a"]],
    ["a list", {}, { image: ["a", "b"] }, ["a", "b"]],
    ["nothing", {}, {}, []],
    ["null", {}, { image: null }, []],
    ["another member", { image: "{body.spec.img}" }, { image: 5, spec: { img: "c" } }, ["c"]],
    ["several members", { image: ["{body.a}", "{body.b}", "{body.none}"] }, { a: ["x", "y"], b: "z" }, ["x", "y", "z"]],
    ["none by the catalogue", { image: null }, { image: { not: "an image" } }, []],
    ["a constant", { image: "fixed" }, {}, ["fixed"]],
  ])("image: %s", (_name, entry, body, wanted) => {
    expect(decodeWith(entry, json(body)).images).toEqual(wanted);
  });

  test.each([[5], [""], [["a", 5]], [["a", ""]], [["a", null]], [{}], [true], [[["a"]]]])(
    "image is not %p",
    (image) => {
      expect(reasonOf(() => decodeWith({}, json({ image })))).toBe("malformed_parameter");
    },
  );

  test("service, tag and id are texts or whole numbers", () => {
    expect(decodeWith({}, json({ service: "web", image_tag: "v1", deployment_id: 42 }))).toMatchObject({
      service: "web",
      image_tag: "v1",
      deployment_id: "42",
    });
  });

  test.each(["service", "image_tag", "deployment_id"])("%s is nothing else", (name) => {
    for (const value of ["", true, 1.5, [], {}]) {
      expect(reasonOf(() => decodeWith({}, json({ [name]: value })))).toBe("malformed_parameter");
    }
  });

  test("amount is a number", () => {
    expect(decodeWith({}, json({ amount: 12.5 })).amount).toBe(12.5);
    expect(decodeWith({ numbers: ["amount"] }, { ...bare, target: "/v1/pay?amount=12.50" }).amount).toBe(12.5);
    for (const amount of ["12.50", true, [1], {}]) {
      expect(reasonOf(() => decodeWith({}, json({ amount })))).toBe("malformed_parameter");
    }
  });
});

describe("matching", () => {
  const match = {
    hosts: ["deploy.internal:8443", "*.tools.internal"],
    methods: ["GET", "POST"],
    path: "/v1/{verb}/now",
  };
  const at = (sketch: Sketch) =>
    reasonOf(() => decodeWith({ match }, { ...bare, target: "/v1/deploy/now", ...sketch }).tool);

  test.each<[string, string | null, Sketch]>([
    ["port given", "deploy-api", { authority: "deploy.internal:8443" }],
    ["port of the scheme", "unknown_tool", { authority: "deploy.internal" }],
    ["name below the star", "deploy-api", { authority: "a.b.tools.internal:1" }],
    ["the star's own suffix", "unknown_tool", { authority: "tools.internal" }],
    ["a longer word", "unknown_tool", { authority: "atools.internal" }],
    ["a longer name", "unknown_tool", { authority: "deploy.internal.evil.example:8443" }],
    ["another method", "unknown_tool", { authority: "a.tools.internal", method: "DELETE" }],
    ["upper-case path", "unknown_tool", { authority: "a.tools.internal", target: "/V1/deploy/now" }],
    ["trailing slash", "unknown_tool", { authority: "a.tools.internal", target: "/v1/deploy/now/" }],
    ["fewer segments", "unknown_tool", { authority: "a.tools.internal", target: "/v1/deploy" }],
    ["hostile path", "malformed_path", { authority: "a.tools.internal", target: "/v1/deploy/..%2fnow" }],
    ["hostile host", "malformed_host", { authority: "a.tools.internal@evil.example" }],
    ["hostile query", "malformed_query", { authority: "a.tools.internal", target: "/v1/deploy/now?a=1;b=2" }],
  ])("%s: %s", (_name, wanted, sketch) => {
    expect(at(sketch)).toBe(wanted);
  });

  test("two tools at run time are ambiguous", () => {
    const one = loadCatalogue("a", "tools: [{name: a, action: x, match: {hosts: [h], path: '/{x}'}}]").tools;
    const catalogue = { tools: [...one, ...one] };
    const call = () =>
      decode(request({ ...bare, authority: "h", target: "/a" }), catalogue, { unmatched: "passthrough" });
    expect(reasonOf(call)).toBe("ambiguous_tool");
  });
});

describe("which parameters came whole from the query", () => {
  const query = { ...json({ b: 1 }), target: "/v1/deploy?a=1&c=2" };
  test.each<[string, unknown, string[]]>([
    ["those of it, where all sources count", undefined, ["a", "c"]],
    ["all of them", "{query}", ["a", "c"]],
    ["none of a body", "{body}", []],
    ["those that name one", { x: "{query.a}", y: "{body.b}", z: "{query.a}-{query.c}", w: "{path.verb}" }, ["x"]],
  ])("%s", (_, params, wanted) => {
    expect(decodeWith(params === undefined ? {} : { params }, query).fromQuery).toEqual(wanted);
  });
});

describe("passthrough", () => {
  const elsewhere: Sketch = { authority: "api.example", target: "/any/thing?x=1", headers: {}, body: "abc" };

  test("lets a request on unread", () => {
    expect(decodeWith({}, elsewhere, "passthrough")).toEqual({
      tool: null,
      action: null,
      environment: null,
      service: null,
      image_tag: null,
      deployment_id: null,
      amount: null,
      images: [],
      params: {},
      fromQuery: [],
      body: null,
      destination: { host: "api.example", port: 443, scheme: "https" },
      http: {
        method: "POST",
        path: "/any/thing",
        query: [{ raw: "x", name: "x", value: "1" }],
        headers: [],
        content_type: "",
        body_sha256: abcSha256,
      },
      costMicro: 0,
      classification: [],
    });
  });

  test.each<[string, Sketch]>([
    ["malformed_path", { target: "//x" }],
    ["malformed_query", { target: "/x?a=%" }],
    ["malformed_host", { authority: "127.1" }],
    ["body_missing", { body: "" }],
    ["body_missing", { method: "GET", body: "", bodyAnnounced: true }],
  ])("still says %s", (reason, sketch) => {
    expect(reasonOf(() => decodeWith({}, { ...elsewhere, ...sketch }, "passthrough"))).toBe(reason);
  });
});

test("a name in a refusal is short and plain", () => {
  const name = `\u202e${"x".repeat(500)}`;
  const query = `${encodeURIComponent(name)}=1`;
  expect(() => decodeWith({}, { target: `/v1/deploy?${query}&${query}` })).toThrow(
    new Error(`parameter "\\u202e${"x".repeat(63)}..." is given twice`),
  );
});
