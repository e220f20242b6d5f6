import { spawnSync } from "node:child_process";
import { createLog } from "../../src/server/log.js";

function logTo() {
  const lines: string[] = [];
  const log = createLog(
    { log: "json", log_level: "info", sampling: 1, slow_stage: 5 },
    { write: (line) => void lines.push(line) },
  );
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "") as Record<string, unknown> };
}

const jwt = `eyJhbGciOiJFZERTQSJ9.${"a".repeat(20)}.${"b".repeat(43)}`;
const key = `csk_${"k".repeat(32)}`;

test("a line is one JSON object with level, time and message", () => {
  const { log, lines, last } = logTo();
  log.info({ agent_id: "bot", session_id: "ses_1" }, "decision");
  expect(lines).toHaveLength(1);
  expect(lines[0]?.endsWith("}\n")).toBe(true);
  expect(last()).toEqual({
    level: "info",
    time: expect.any(String),
    agent_id: "bot",
    session_id: "ses_1",
    msg: "decision",
  });
});

test.each([
  ["a message", (log: ReturnType<typeof logTo>["log"], secret: string) => log.info(`it said ${secret}.`)],
  ["a value", (log, secret) => log.info({ said: secret }, "x")],
  ["a value far down", (log, secret) => log.info({ a: [{ b: { c: [`x ${secret}`] } }] }, "x")],
  ["the name of a value", (log, secret) => log.info({ a: { b: [secret, secret] } }, "x")],
  [
    "an error's message, stack and cause",
    (log, secret) => log.error({ err: new Error(`refused\n${secret}`, { cause: new Error(secret) }) }, "x"),
  ],
  ["an error as it is", (log, secret) => log.error(new Error(`\t${secret}`))],
  ["behind a line break", (log, secret) => log.info({ text: `a\n${secret}\u0000${secret}` }, "x")],
] as [string, (log: ReturnType<typeof logTo>["log"], secret: string) => void][])(
  "a token in %s is taken out",
  (_where, write) => {
    for (const secret of [jwt, key]) {
      const { log, lines, last } = logTo();
      write(log, secret);
      expect(lines[0]).not.toContain(secret.slice(0, 20));
      expect(lines[0]).toContain("[token]");
      expect(last().time).toEqual(expect.any(String));
    }
  },
);

test.each([
  "authorization",
  "Authorization".toLowerCase(),
  "cookie",
  "set-cookie",
  "x-api-key",
  "password",
  "client_secret",
  "access_token",
  "token",
])("what stands under %s is taken out, three levels down too", (name) => {
  const { log, lines } = logTo();
  log.info({ [name]: "s3cret", headers: { [name]: "s3cret" }, request: { headers: { [name]: ["s3cret"] } } }, "x");
  expect(lines[0]).not.toContain("s3cret");
  expect(lines[0]?.match(/\[secret\]/g)).toHaveLength(3);
});

test("what was logged stays as it was for whoever logged it", () => {
  const details = { headers: { authorization: "s3cret" }, said: jwt };
  logTo().log.info(details, "x");
  expect(details).toEqual({ headers: { authorization: "s3cret" }, said: jwt });
});

test.each([
  ["at its natural end", ""],
  ["that calls an end to itself", "process.exit(0);"],
  ["that dies of an error", 'throw new Error("the end");'],
])("every line of a process %s is on stdout", (_how, last) => {
  const script = `
    const { createLog } = await import(${JSON.stringify(new URL("../../src/server/log.ts", import.meta.url).href)});
    const log = createLog({ log: "json", log_level: "info", sampling: 1, slow_stage: 5 });
    for (let n = 0; n < 500; n++) log.info({ n }, "decision");
    ${last}`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", script];
  const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8", env: { PATH: process.env.PATH } });
  const numbers = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).n);
  expect(numbers).toEqual(Array.from({ length: 500 }, (_, n) => n));
});
