import { loadCatalogue } from "../../src/decode/index.js";
import { problems } from "./catalogue_problems.js";

/** One good entry with lines added; the added ones begin at line 5. */
const withLines = (...lines: string[]) =>
  [
    "tools:",
    "  - name: t",
    "    match: {hosts: [h], path: '/v1/{x}'}",
    "    action: act",
    ...lines.map((l) => `    ${l}`),
    "",
  ].join("\n");
const withMatch = (match: string) => `tools:\n  - name: t\n    match: ${match}\n    action: act\n`;

test("every key is read", () => {
  const text = `
tools:
  - name: deploy-api
    match: {hosts: ["Deploy.internal", "*.deploy.internal:8443"], methods: [POST], path: "/v1/{verb}"}
    protocol: http
    action: "{path.verb}"
    environment: "env-{query.env}"
    params: {replicas: "{body.spec.replicas}", force: true, zone: "eu"}
    numbers: [replicas]
    image: ["{body.a}", "{body.b}"]
    service: null
    amount: 12.5
    classification: [config, pii]
    cost: 1.25
`;
  expect(loadCatalogue("tools.yaml", text).tools).toEqual([
    {
      name: "deploy-api",
      protocol: "http",
      hosts: [
        { host: "deploy.internal", wildcard: false, port: null },
        { host: "deploy.internal", wildcard: true, port: 8443 },
      ],
      methods: new Set(["POST"]),
      path: [
        { kind: "literal", text: "v1" },
        { kind: "variable", name: "verb" },
      ],
      action: { kind: "reference", reference: { source: "path", names: ["verb"] } },
      environment: { kind: "text", parts: ["env-", { source: "query", names: ["env"] }] },
      takesBody: true,
      params: {
        kind: "named",
        templates: [
          ["replicas", { kind: "reference", reference: { source: "body", names: ["spec", "replicas"] } }],
          ["force", { kind: "constant", value: true }],
          ["zone", { kind: "constant", value: "eu" }],
        ],
      },
      numbers: ["replicas"],
      fields: {
        image: [
          { kind: "reference", reference: { source: "body", names: ["a"] } },
          { kind: "reference", reference: { source: "body", names: ["b"] } },
        ],
        service: "none",
        image_tag: "parameter",
        deployment_id: "parameter",
        amount: [{ kind: "constant", value: 12.5 }],
      },
      classification: ["config", "pii"],
      costMicro: 1_250_000,
    },
  ]);
});

test("an empty list is a catalogue", () => {
  expect(loadCatalogue("tools.yaml", "tools: []\n").tools).toEqual([]);
});

test.each<[string, string, string[]]>([
  ["empty file", "", ["tools.yaml:1:1: tools: must be a list of tools"]],
  ["unknown key", withLines("costs: 1"), ["tools.yaml:5:12: tools[0].costs: unknown key"]],
  [
    "no name",
    "tools:\n  - match: {hosts: [h], path: /}\n    action: a\n",
    ["tools.yaml:2:5: tools[0].name: missing: expected a text"],
  ],
  [
    "colon in a name",
    "tools:\n  - name: a:b\n    match: {hosts: [h], path: /}\n    action: a\n",
    ["tools.yaml:2:11: tools[0].name: must be letters, digits, dots, hyphens or underscores"],
  ],
  ["mcp", withLines("protocol: mcp"), ["tools.yaml:5:15: tools[0].protocol: mcp is not supported by this version"]],
  [
    "nothing to match",
    "tools:\n  - name: t\n    action: act\n",
    ["tools.yaml:2:5: tools[0].match: missing: expected a map"],
  ],
  [
    "check with a match",
    withLines("protocol: check"),
    ["tools.yaml:3:12: tools[0].match: an entry with protocol check matches no request: leave it out"],
  ],
  [
    "check with a query",
    'tools:\n  - name: t\n    protocol: check\n    params: {a: "{query.a}"}\n',
    ["tools.yaml:4:17: tools[0].params.a: placeholder {query.a} needs a query, and a described call has none"],
  ],
  [
    "check with a path",
    'tools:\n  - name: t\n    protocol: check\n    service: "{path.environment}"\n',
    ["tools.yaml:4:14: tools[0].service: placeholder {path.environment} names no variable of the path"],
  ],
  ["another protocol", withLines("protocol: ftp"), ["tools.yaml:5:15: tools[0].protocol: must be http or check"]],
  [
    "no hosts",
    withMatch("{hosts: [], path: /}"),
    ["tools.yaml:3:20: tools[0].match.hosts: must name at least one host"],
  ],
  [
    "bad host",
    withMatch("{hosts: [h, '127.1'], path: /}"),
    ["tools.yaml:3:24: tools[0].match.hosts[1]: the authority is an address in an unusual spelling"],
  ],
  [
    "bad port",
    withMatch("{hosts: ['h:0'], path: /}"),
    ["tools.yaml:3:21: tools[0].match.hosts[0]: the authority has a port that is not between 1 and 65535"],
  ],
  [
    "star host",
    withMatch("{hosts: ['*'], path: /}"),
    ["tools.yaml:3:21: tools[0].match.hosts[0]: the authority is not a host name"],
  ],
  [
    "star inside",
    withMatch("{hosts: ['a.*.b'], path: /}"),
    ["tools.yaml:3:21: tools[0].match.hosts[0]: the authority is not a host name"],
  ],
  [
    "star above an address",
    withMatch("{hosts: ['*.10.0.0.1'], path: /}"),
    ["tools.yaml:3:21: tools[0].match.hosts[0]: an address has no names below it"],
  ],
  [
    "no methods",
    withMatch("{hosts: [h], methods: [], path: /}"),
    ["tools.yaml:3:34: tools[0].match.methods: must name at least one method; leave it out for any"],
  ],
  [
    "lower-case method",
    withMatch("{hosts: [h], methods: [get], path: /}"),
    ["tools.yaml:3:35: tools[0].match.methods[0]: must be a method in upper-case letters"],
  ],
  ["relative path", withMatch("{hosts: [h], path: v1}"), ["tools.yaml:3:31: tools[0].match.path: must begin with /"]],
  [
    "double slash",
    withMatch("{hosts: [h], path: //v1}"),
    ["tools.yaml:3:31: tools[0].match.path: has an empty segment"],
  ],
  [
    "part of a segment",
    withMatch("{hosts: [h], path: '/v{x}'}"),
    ["tools.yaml:3:31: tools[0].match.path: a variable must be a whole segment, as in /v1/{action}"],
  ],
  [
    "variable twice",
    withMatch("{hosts: [h], path: '/{x}/{x}'}"),
    ["tools.yaml:3:31: tools[0].match.path: has the variable {x} twice"],
  ],
  [
    "__proto__ variable",
    withMatch("{hosts: [h], path: '/{__proto__}'}"),
    ["tools.yaml:3:31: tools[0].match.path: has a variable name that is not permitted"],
  ],
  [
    "dot-dot",
    withMatch("{hosts: [h], path: /v1/..}"),
    [
      "tools.yaml:3:31: tools[0].match.path: has a segment that no canonical path has; write segments decoded, without % \\ ; ? #",
    ],
  ],
  [
    "encoded path",
    withMatch("{hosts: [h], path: /a%20b}"),
    [
      "tools.yaml:3:31: tools[0].match.path: has a segment that no canonical path has; write segments decoded, without % \\ ; ? #",
    ],
  ],
  [
    "no action",
    "tools:\n  - name: t\n    match: {hosts: [h], path: /}\n",
    ["tools.yaml:2:5: tools[0].action: missing: expected a text"],
  ],
  [
    "empty action",
    "tools:\n  - name: t\n    match: {hosts: [h], path: /}\n    action: ''\n",
    ["tools.yaml:4:13: tools[0].action: must not be empty"],
  ],
  [
    "unknown variable",
    withLines('environment: "{path.y}"'),
    ["tools.yaml:5:18: tools[0].environment: placeholder {path.y} names no variable of the path"],
  ],
  [
    "unknown source",
    withLines('environment: "{header.y}"'),
    ["tools.yaml:5:18: tools[0].environment: unknown placeholder {header.y}: it begins with none of path, query, body"],
  ],
  [
    "empty placeholder",
    withLines('environment: "a{}"'),
    ["tools.yaml:5:18: tools[0].environment: unknown placeholder {}: it begins with none of path, query, body"],
  ],
  [
    "lone brace",
    withLines('environment: "{path.x"'),
    ["tools.yaml:5:18: tools[0].environment: has a brace without its partner"],
  ],
  [
    "empty member",
    withLines('environment: "{body.a..b}"'),
    ["tools.yaml:5:18: tools[0].environment: placeholder {body.a..b} has an empty name"],
  ],
  [
    "__proto__ member",
    withLines('environment: "{body.__proto__}"'),
    ["tools.yaml:5:18: tools[0].environment: placeholder {body.__proto__} has a name that is not permitted"],
  ],
  [
    "whole source as a field",
    withLines('service: "{body}"'),
    ["tools.yaml:5:14: tools[0].service: must name one field, not everything"],
  ],
  [
    "whole source in a text",
    withLines('service: "a{body}"'),
    ["tools.yaml:5:14: tools[0].service: a placeholder for a whole source cannot be a part of a text"],
  ],
  [
    "body of a tool without one",
    withLines("body: none", 'service: "{body.s}"'),
    ["tools.yaml:6:14: tools[0].service: placeholder {body.s} needs a body, and the tool takes none"],
  ],
  ["another body", withLines("body: json"), ["tools.yaml:5:11: tools[0].body: must be none, or left out"]],
  [
    "constant params",
    withLines("params: all"),
    ['tools.yaml:5:13: tools[0].params: must be one placeholder that stands for an object, such as "{body}", or a map'],
  ],
  [
    "params from a text",
    withLines('params: "{path.x}"'),
    ['tools.yaml:5:13: tools[0].params: must be one placeholder that stands for an object, such as "{body}", or a map'],
  ],
  ["params list", withLines("params: [a]"), ["tools.yaml:5:13: tools[0].params: must be a placeholder or a map"]],
  [
    "mistake in params",
    withLines('params: {a: "{path.y}"}'),
    ["tools.yaml:5:17: tools[0].params.a: placeholder {path.y} names no variable of the path"],
  ],
  [
    "__proto__ in params",
    withLines("params: {__proto__: a}"),
    ["tools.yaml:5:25: tools[0].params.__proto__: the name __proto__ is not permitted"],
  ],
  [
    "number without its parameter",
    withLines("params: {a: b}", "numbers: [a, c]"),
    ["tools.yaml:6:18: tools[0].numbers[1]: params has no c"],
  ],
  [
    "mistake in an image",
    withLines('image: [a, "{x}"]'),
    ["tools.yaml:5:16: tools[0].image[1]: unknown placeholder {x}: it begins with none of path, query, body"],
  ],
  [
    "image that is no text",
    withLines("image: 5"),
    ["tools.yaml:5:12: tools[0].image: must be a text or a list of texts"],
  ],
  [
    "negative cost",
    withLines("cost: -1"),
    ["tools.yaml:5:11: tools[0].cost: must be at least 0, with at most six decimals"],
  ],
  [
    "too fine a cost",
    withLines("cost: 0.0000001"),
    ["tools.yaml:5:11: tools[0].cost: must be at least 0, with at most six decimals"],
  ],
  [
    "too great a cost",
    withLines("cost: 1e20"),
    ["tools.yaml:5:11: tools[0].cost: must be at least 0, with at most six decimals"],
  ],
  ["endless cost", withLines("cost: .inf"), ["tools.yaml:5:11: tools[0].cost: must be a number"]],
  ["cost in text", withLines("cost: '1'"), ["tools.yaml:5:11: tools[0].cost: must be a number"]],
  [
    "classification that is no list",
    withLines("classification: pii"),
    ["tools.yaml:5:21: tools[0].classification: must be a list"],
  ],
  [
    "parameter that is a list",
    withLines("params: {a: [b]}"),
    ["tools.yaml:5:17: tools[0].params.a: must be a text, a number, true or false"],
  ],
  [
    "two mistakes",
    withLines("cost: -1", "protocol: mcp"),
    [
      "tools.yaml:6:15: tools[0].protocol: mcp is not supported by this version",
      "tools.yaml:5:11: tools[0].cost: must be at least 0, with at most six decimals",
    ],
  ],
])("%s", (_name, text, wanted) => {
  expect(problems(text)).toEqual(wanted);
});

const pair = (first: string, second: string) =>
  problems(`tools:\n  - {name: one, action: a, match: ${first}}\n  - {name: two, action: a, match: ${second}}\n`);

test.each([
  ["the same", "{hosts: [h], path: /a}", "{hosts: [h], path: /a}"],
  ["variable and literal", "{hosts: [h], path: '/v1/{x}'}", "{hosts: [h], path: /v1/status}"],
  ["variables crossed", "{hosts: [h], path: '/{x}/b'}", "{hosts: [h], path: '/a/{y}'}"],
  ["any method", "{hosts: [h], methods: [GET], path: /a}", "{hosts: [h], path: /a}"],
  ["a common method", "{hosts: [h], methods: [GET, PUT], path: /a}", "{hosts: [h], methods: [PUT], path: /a}"],
  ["star and name", "{hosts: ['*.h'], path: /a}", "{hosts: [x.y.h], path: /a}"],
  ["name and star", "{hosts: [x.h], path: /a}", "{hosts: ['*.h'], path: /a}"],
  ["star below star", "{hosts: ['*.h'], path: /a}", "{hosts: ['*.x.h'], path: /a}"],
  ["any port", "{hosts: [h], path: /a}", "{hosts: ['h:81'], path: /a}"],
  ["spelled differently", "{hosts: [H.x.], path: /a}", "{hosts: [h.x], path: /a}"],
])("entries that overlap, %s, are refused with both names", (_name, first, second) => {
  expect(pair(first, second)).toEqual([
    "tools.yaml:3:35: tools[1].match: two (tools[1]) can match the same request as one (tools[0])",
  ]);
});

test.each([
  ["other host", "{hosts: [h], path: /a}", "{hosts: [g], path: /a}"],
  ["other port", "{hosts: ['h:80'], path: /a}", "{hosts: ['h:81'], path: /a}"],
  ["star and its own suffix", "{hosts: ['*.h'], path: /a}", "{hosts: [h], path: /a}"],
  ["star and a longer word", "{hosts: ['*.h'], path: /a}", "{hosts: [x.ah], path: /a}"],
  ["other method", "{hosts: [h], methods: [GET], path: /a}", "{hosts: [h], methods: [PUT], path: /a}"],
  ["other literal", "{hosts: [h], path: '/a/{x}'}", "{hosts: [h], path: '/b/{x}'}"],
  ["other length", "{hosts: [h], path: '/a/{x}'}", "{hosts: [h], path: '/a/{x}/{y}'}"],
  ["trailing slash and variable", "{hosts: [h], path: '/a/{x}'}", "{hosts: [h], path: /a/}"],
  ["case of the path", "{hosts: [h], path: /a}", "{hosts: [h], path: /A}"],
])("entries apart by %s load", (_name, first, second) => {
  expect(pair(first, second)).toEqual([]);
});

test("one tool may have several entries", () => {
  const entry = (method: string) =>
    `  - {name: t, action: ${method}, match: {hosts: [h], methods: [${method}], path: /a}}\n`;
  expect(loadCatalogue("tools.yaml", `tools:\n${entry("GET")}${entry("PUT")}`).tools.map((tool) => tool.name)).toEqual([
    "t",
    "t",
  ]);
});
