import { InvalidFile } from "../../src/files/located_yaml.js";
import { compileRego } from "../../src/rego/compile.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";

const opa = await requirePart("opa", findOpa);

/** Lines of a file `p.rego`, the packages that are bound, and what is told. */
const mistakes: [string, string[], string[], string[]][] = [
  [
    "a builtin that is not allowed",
    ["package p", "", "allow if {", "\tinput.x", '\thttp.send({"url": input.url}).status_code == 200', "}"],
    ["p"],
    ["p.rego:5:2: the builtin http.send is not allowed in policies; see docs/rego.md"],
  ],
  [
    "several mistakes",
    ["package p", "", "now := time.now_ns()", "allow if foo(input.x)", 'deny if sprintf("%v", [input.x]) == "y"'],
    ["p"],
    [
      "p.rego:3:8: the builtin time.now_ns is not allowed in policies; see docs/rego.md",
      "p.rego:4:10: undefined function foo",
      "p.rego:5:9: the builtin sprintf is not allowed in policies; see docs/rego.md",
    ],
  ],
  [
    "more mistakes than OPA tells by itself",
    ["package p", ...Array.from({ length: 15 }, (_, i) => `allow if f${i}(1)`)],
    [],
    Array.from({ length: 15 }, (_, i) => `p.rego:${i + 2}:10: undefined function f${i}`),
  ],
  ["no Rego", ["package p", "", "allow if {"], ["p"], ["p.rego:4:1: unexpected eof token"]],
  ["an empty file", [""], ["p"], ["p.rego:1:1: empty module"]],
  [
    "Rego of before 1.0",
    ["package p", "", "allow { input.x }"],
    ["p"],
    ["p.rego:3:1: `if` keyword is required before rule body"],
  ],
  [
    "variables without a value",
    ["package p", "", "allow if {", "\tinput.x == y", "\tnot z", "}"],
    ["p"],
    ["p.rego:4:2: var y is unsafe", "p.rego:5:2: var z is unsafe"],
  ],
  [
    "types that never go together",
    ["package p", "", 'allow if "a" + 1 == 2'],
    ["p"],
    ["p.rego:3:10: plus: invalid argument(s)"],
  ],
  [
    "rules that need each other",
    ["package p", "", "allow if deny", "deny if allow"],
    ["p"],
    [
      "p.rego:3:1: rule data.p.allow is recursive: data.p.allow -> data.p.deny -> data.p.allow",
      "p.rego:4:1: rule data.p.deny is recursive: data.p.deny -> data.p.allow -> data.p.deny",
    ],
  ],
  [
    "rules that are in each other's way",
    ["package p", "", "allow := true", "allow contains 1"],
    ["p"],
    ["p.rego:3:1: conflicting rules data.p.allow found"],
  ],
  [
    "a rule in the way of a bound package",
    ["package p", "", "q := 1"],
    ["p.q"],
    [
      "p.rego:1:1: package p.q conflicts with rule q defined at p.rego:3",
      "p.rego:3:1: rule data.p.q conflicts with: rule data.p.q.accept at q.rego:3 rule data.p.q.verify_signature at q.rego:3",
    ],
  ],
  [
    "an own verify_signature",
    ["package p", "", "verify_signature(x) := true"],
    ["p"],
    ["p.rego:3:1: verify_signature is supplied by the server; a policy cannot define it"],
  ],
  [
    "an own verify_signature that is no function",
    ["package p", "", "default verify_signature := true"],
    ["p"],
    ["p.rego:3:9: verify_signature is supplied by the server; a policy cannot define it"],
  ],
  [
    "an own verify_signature in another's package",
    ["package p", "", "q.verify_signature(x) := true"],
    ["p"],
    ["p.rego:3:1: verify_signature is supplied by the server; a policy cannot define it"],
  ],
  [
    "an own verify_signature as a package",
    ["package p.verify_signature", "", "allow := true"],
    [],
    ["p.rego:1:1: verify_signature is supplied by the server; a policy cannot define it"],
  ],
  [
    "another function under the name of verify_signature",
    ["package p", "", "import data.q.accept as verify_signature", "import data.q.verify_signature"],
    ["p"],
    [
      "p.rego:3:1: verify_signature is supplied by the server; a policy cannot define it",
      "p.rego:4:1: verify_signature is supplied by the server; a policy cannot define it",
    ],
  ],
  [
    "the server's own package",
    ["package countersign", "", "allow := true"],
    [],
    ["p.rego:1:1: the package countersign is the server's own; choose another name"],
  ],
  [
    "a package below the compiled policies",
    ["package policies.mine", "", "allow := true"],
    [],
    ["p.rego:1:1: the package policies is the server's own; choose another name"],
  ],
  [
    "a verdict that is a function",
    ["package p", "", 'deny(call) if call.action == "delete"'],
    ["p"],
    ["p.rego:3:1: deny is a function; it has to be a rule that is true or false"],
  ],
  [
    "a verdict that is a function, written from the package above",
    ["package p", "", "q.allow(call) if call.x", "allow(call) if call.x"],
    ["p.q"],
    ["p.rego:3:1: allow is a function; it has to be a rule that is true or false"],
  ],
];

describeWith(opa, "mistakes are told where they stand", (use) => {
  test.each(mistakes)("%s", async (_what, lines, packages, wanted) => {
    const modules = [
      { file: "p.rego", text: `${lines.join("\n")}\n` },
      { file: "q.rego", text: "package p.q\n\naccept(x) := true\n" },
    ];
    const error: unknown = await compileRego(modules, packages, { opa: use().program }).catch((thrown) => thrown);
    expect(error instanceof InvalidFile ? error.message.split("\n") : error).toEqual(wanted);
  });
});
