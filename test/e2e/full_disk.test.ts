import { join } from "node:path";
import { deploy } from "../demo/steps.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { type Disk, limitedFiles, smallFileSystem } from "../harness/full_disk.js";
import { send } from "../harness/http.js";
import { describeWith, optionalPart, type Part, requirePart } from "../harness/parts.js";
import { auditRecords } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";

const envoy = await requirePart("Envoy", findEnvoy);

interface Parts {
  program: string;
  disk: Disk;
}

/** Nothing is mounted for tests that cannot run. */
async function withEnvoy(find: () => Promise<Part<Disk>>): Promise<Part<Parts>> {
  if ("missing" in envoy) return envoy;
  const disk = await find();
  return "missing" in disk ? disk : { value: { program: envoy.value, disk: disk.value } };
}

const disks: [string, Part<Parts>][] = [
  // Not everybody may mount. The limit on files takes the same way through the server, and needs no rights.
  [
    "a file system that is full",
    await withEnvoy(() => optionalPart("the right to mount a file system", smallFileSystem)),
  ],
  ["a limit on files that is reached", await withEnvoy(() => requirePart("a limit on files", limitedFiles))],
];

for (const [title, parts] of disks) {
  describeWith(parts, `records on a disk that runs out of space: ${title}`, (use) => {
    afterAll(() => use().disk.remove());

    test("nothing passes and the server is not ready, until there is space; the chain holds", async () => {
      const { program, disk } = use();
      const audit = join(disk.path, "audit");
      const stack = await startStack({
        store: "memory:",
        envoyProgram: program,
        env: { COUNTERSIGN_AUDIT_DIR: audit, COUNTERSIGN_AUDIT_DURABILITY: "fsync" },
      });
      try {
        await runsOut(stack, disk, audit);
      } finally {
        await stack.stop();
      }
    });
  });
}

async function runsOut(stack: Stack, disk: Disk, audit: string): Promise<void> {
  const pid = Number(stack.server.pid);
  const call = () => stack.call("deploy-manager", deploy("staging"));
  const ready = () => send(`${stack.api}/readyz`).then(({ status }) => status);
  expect((await call()).status).toBe(200);
  expect(await ready()).toBe(200);

  await disk.fill(pid);
  // The page that the last record ends in may have room for another one.
  const refused = await until(
    async () => {
      const answer = await call();
      return answer.status === 503 && answer;
    },
    { what: "a call to be refused" },
  );
  expect(JSON.parse(refused.body)).toMatchObject({ decision: "deny", reason: "audit_unavailable" });
  const passed = stack.tool.requests.length;
  for (let i = 0; i < 3; i++) expect((await call()).status).toBe(503);
  expect(stack.tool.requests).toHaveLength(passed);
  expect(await ready()).toBe(503);
  const { state } = JSON.parse((await stack.ask(stack.people.viewer, "/readyz")).body);
  expect(state.audit).toContain(disk.error);

  await disk.free(pid);
  await until(async () => (await ready()) === 200, { what: "readiness to come back" });
  expect((await call()).status).toBe(200);
  expect(stack.server.running()).toBe(true);
  const decisions = (await auditRecords(audit)).filter(({ kind }) => kind === "decision");
  expect(decisions.map(({ enforced }) => enforced)).toEqual(Array(stack.tool.requests.length).fill("allow"));
  const key = join(stack.folder, "var", "audit.jwk");
  const { code, stdout } = await stack.countersign("audit", "verify", audit, "--key", key);
  expect([code, stdout]).toEqual([0, expect.stringContaining("holds")]);
}
