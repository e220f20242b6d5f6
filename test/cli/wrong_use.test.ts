import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { countersign, init, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
beforeAll(async () => {
  await init(folder);
  await mkdir(join(folder, "empty"));
  await writeFile(join(folder, "bad.yaml"), "mode: audit\nlisten: {http: nowhere}\n");
  await writeFile(join(folder, "agents-disabled.yaml"), "agents: [{id: deploy-manager, disabled: true}]\n");
});
afterAll(undo);

const needsConfig: [string, string[]][] = [
  ["serve", []],
  ["policy lint", []],
  ["policy build", []],
  ["agent key", ["deploy-manager"]],
  ["token", ["deploy-manager"]],
];

describe("wrong use exits with 2, says why on standard error and nothing elsewhere", () => {
  const cases: [args: string[], message: string, env?: Record<string, string>][] = [
    [[], "Usage: countersign [options] [command]"],
    [["policy"], "Usage: countersign policy [options] [command]"],
    [["nope"], "error: unknown command 'nope'"],
    [["policy", "nope"], "error: unknown command 'nope'"],
    [["serv"], "(Did you mean serve?)"],
    [["serve", "--nope"], "error: unknown option '--nope'"],
    [["serve", "extra"], "error: too many arguments for 'serve'. Expected 0 arguments but got 1."],
    [["serve", "--config"], "error: option '-c, --config <file>' argument missing"],
    [["token"], "error: missing required argument 'agent'"],
    [["agent", "key"], "error: missing required argument 'agent'"],
    [["audit", "verify", "-k", "var/audit.jwk"], "error: missing required argument 'path'"],
    [["audit", "verify", "var"], "error: required option '-k, --key <file>' not specified"],
    [["audit", "verify", "nowhere", "--key", "var/audit.jwk"], "countersign: nowhere does not exist"],
    [["audit", "verify", "var", "--key", "nowhere"], "countersign: nowhere:1:1: key file cannot be read: ENOENT"],
    [["audit", "verify", "var", "--key", "var/issuer.jwk"], "a key for issuer cannot be the key for audit"],
    [["policy", "lint", "nowhere"], "countersign: nowhere does not exist"],
    [["policy", "lint", "--tools", "nowhere"], "countersign: nowhere does not exist"],
    [["policy", "test"], "countersign: there are no cases in "],
    [["policy", "test", "--cases", "nowhere"], "countersign: nowhere does not exist"],
    [["policy", "test", "--cases", "bad.yaml"], "bad.yaml:1:7: mode: unknown key"],
    [["policy", "explain"], "countersign: name a call with --input, or a recorded one with --audit and --decision"],
    [["policy", "explain", "--input", "a", "--audit", "b"], "countersign: name a call with --input, or a recorded one"],
    [["policy", "explain", "--input", "nowhere"], "countersign: nowhere does not exist"],
    [["policy", "explain", "--input", "bad.yaml"], "countersign: bad.yaml:1:7: mode: unknown key"],
    [["policy", "explain", "--audit", "empty", "--decision", "x"], "countersign: there are no records there"],
    [["policy", "diff", "policies"], "error: missing required argument 'new'"],
    [["policy", "diff", "policies", "nowhere"], "countersign: nowhere does not exist"],
    [["policy", "build", "nowhere"], "countersign: nowhere does not exist"],
    [["policy", "build", "empty"], "countersign: empty:1:1: there are no policies"],
    [["policy", "build", "-o", "nowhere/b.tar.gz"], "countersign: nowhere does not exist"],
    [["token", "nobody"], "countersign: no agent nobody in "],
    [["agent", "key", "nobody"], "agents.yaml; registered are: deploy-manager\n"],
    [["token", "deploy-manager", "--initiated-by", "mallory"], "countersign: --initiated-by: mallory is not in "],
    [["token", "deploy-manager", "--ttl", "soon"], "countersign: --ttl: write a duration as 15m or 1h"],
    [["token", "deploy-manager", "--ttl", "2h"], "--ttl: must be from 1s to 3600s, which is identity.issuer.max_ttl"],
    [["token", "deploy-manager", "--ttl", "999ms"], "countersign: --ttl: must be from 1s to 3600s"],
    [
      ["token", "deploy-manager", "--scope", "deploy-api:deploy aws:*"],
      "countersign: --scope: aws:* is outside the scopes of deploy-manager: deploy-api:*",
    ],
    [["token", "deploy-manager", "--scope", "deploy-api"], "countersign: --scope: deploy-api is outside"],
    [["token", "deploy-manager", "--session", "a b"], "countersign: --session: must be 1 to 128 visible characters"],
    [["token", "deploy-manager", "--session", "open:deploy-manager"], "must not begin with open:"],
    [["token", "deploy-manager", "--workflow-run", "a\nb"], "countersign: --workflow-run: must be 1 to 256 characters"],
    [
      ["token", "deploy-manager"],
      "countersign: deploy-manager is disabled in ",
      { COUNTERSIGN_AGENTS: "agents-disabled.yaml" },
    ],
    ...needsConfig.flatMap(([command, rest]): [string[], string][] => [
      [
        [...command.split(" "), ...rest, "-c", "nowhere.yaml"],
        "countersign: nowhere.yaml:1:1: cannot be read; write a",
      ],
      [
        [...command.split(" "), ...rest, "-c", "bad.yaml"],
        'bad.yaml:1:7: mode: expected enforce or shadow, not "audit"',
      ],
    ]),
    [["serve"], "the environment variable COUNTERSIGN_MODUS names no key", { COUNTERSIGN_MODUS: "x" }],
    [["serve"], "countersign: $COUNTERSIGN_MODE:1:1: mode: expected enforce or shadow", { COUNTERSIGN_MODE: "x" }],
  ];

  const rows = cases.map(([args, message, env = {}]) => ({ args, message, env }));
  test.each(rows)("countersign $args", async ({ args, message, env }) => {
    const { code, stdout, stderr } = await countersign(args, { cwd: folder, env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});

test("every mistake of a configuration is told at once, one on a line", async () => {
  const { stderr } = await countersign(["serve", "-c", "bad.yaml"], { cwd: folder });
  expect(stderr).toBe(
    "countersign: bad.yaml:2:16: listen.http: write an address as host:port, for example 127.0.0.1:9192\n" +
      'bad.yaml:1:7: mode: expected enforce or shadow, not "audit"\n',
  );
});

test("COUNTERSIGN_CONFIG names the configuration, and --config stands over it", async () => {
  const env = { COUNTERSIGN_CONFIG: "bad.yaml" };
  expect((await countersign(["policy", "lint"], { cwd: folder, env })).code).toBe(2);
  expect((await countersign(["policy", "lint", "-c", "countersign.yaml"], { cwd: folder, env })).code).toBe(0);
});
