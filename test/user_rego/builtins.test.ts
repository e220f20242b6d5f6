import { builtins } from "../../src/rego/builtins.js";
import { compileRego } from "../../src/rego/compile.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { run } from "../harness/programs.js";

const opa = await requirePart("opa", findOpa);
const listed = Object.values(builtins).flat();

interface Builtin {
  name: string;
  decl: { args?: unknown[]; variadic?: unknown };
  relation?: boolean;
}

/** A rule that calls the builtin with values that nothing is known about. */
function calling({ name, decl, relation }: Builtin, index: number): string {
  const args = (decl.args ?? []).map((_, i) => `input.x${i}`);
  return `r${index} if ${name}(${[...args, ...(relation ? ["_"] : [])].join(", ")})`;
}

describeWith(opa, "builtins", (use) => {
  let known: Builtin[];
  beforeAll(async () => {
    known = JSON.parse(await run(use().program, ["capabilities", "--current"])).builtins;
  });
  const compile = (rules: readonly string[]) =>
    compileRego([{ file: "p.rego", text: `package p\n\n${rules.join("\n")}\n` }], ["p"], { opa: use().program });

  test("that are listed are each called, and computed in WebAssembly", async () => {
    const called = known.filter(({ name }) => listed.includes(name));
    expect(called.map(({ name }) => name).sort()).toEqual([...listed].sort());
    // What WebAssembly does not compute itself is refused by what puts the program together.
    await expect(compile(called.map(calling))).resolves.toMatchObject({ packages: ["p"] });
  });

  test("that are not listed are refused by name, all of them", async () => {
    const named = known.filter(
      ({ name, ...rest }) => !listed.includes(name) && !("infix" in rest) && !/^internal\./.test(name),
    );
    const error: Error = await compile(named.map(calling)).then(
      () => new Error("compiled"),
      (thrown) => thrown,
    );
    const refusal = /^p\.rego:\d+:\d+: the builtin (\S+) is not allowed in policies; see docs\/rego\.md$/;
    expect(error.message.split("\n").map((line) => refusal.exec(line)?.[1] ?? line)).toEqual(
      named.map(({ name }) => name),
    );
    for (const name of [
      "http.send",
      "opa.runtime",
      "time.now_ns",
      "rand.intn",
      "net.lookup_ip_addr",
      "trace",
      "print",
    ]) {
      expect(named.map((one) => one.name)).toContain(name);
    }
  });

  test("cannot be put in the place of others", async () => {
    await expect(compile(["f(_) := 1", "r if input.x with http.send as f"])).rejects.toThrow(/^p\.rego:4:19: /);
  });

  test("behind Rego's own signs and words work", async () => {
    const text = [
      "r := [x | some x in input.list; x % 2 == 0; x != 4; x >= 1; x <= 9; x > 0; x < 10]",
      "s := {1, 2} & {2, 3} | {4} - {5}",
      "t if { every k, v in input.map { v * 2 - 1 + k / 2 == 3; k in [1] } }",
      'u := $"{input.x} is here"',
      "v if { [a, _] = input.pair; a == 1 }",
      "w if (1, 2 in input.map)",
    ];
    await expect(compile(text)).resolves.toMatchObject({ packages: ["p"] });
  });
});
