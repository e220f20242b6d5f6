import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { loadConfig } from "../../src/config/load.js";
import { systemRuntime } from "../../src/runtime.js";
import { serverPage } from "../../src/server/page.js";
import { registry, type World, world } from "../approvals/fixture.js";
import { noTrusted } from "../identify/fixture.js";

const folder = mkdtempSync(join(tmpdir(), "countersign-page-"));
afterAll(() => rmSync(folder, { recursive: true }));
let here: World;
beforeAll(async () => {
  here = await world();
});

function opened(text: string, secret?: string) {
  const file = join(folder, "countersign.yaml");
  writeFileSync(file, text);
  rmSync(join(folder, "oidc.secret"), { force: true });
  if (secret !== undefined) writeFileSync(join(folder, "oidc.secret"), secret);
  const { key, store } = here;
  const parts = { key, store, registry: () => registry, trusted: noTrusted, runtime: systemRuntime };
  return serverPage(loadConfig(file, {}), { ...parts, log: pino({ level: "silent" }) });
}

const withOidc = (more = "") => `public_url: https://countersign.example
identity:
  trusted:
    - {for: people, issuer: "https://idp.example", jwks: "https://idp.example/jwks", audience: page, algorithms: [RS256]}
approvals: {page: {session_ttl: 1h, oidc: {issuer: "https://idp.example", client_id: page${more}}}}
`;
const secretFile = ", client_secret_file: ./oidc.secret";

test("without a provider people sign in by tokens", async () => {
  const page = await opened("{}\n");
  expect([page.oidc, page.sessionMs]).toEqual([null, 28_800_000]);
});

test.each<[string, string | undefined]>([
  ["", undefined],
  [secretFile, "secret\n"],
])("with one nobody asks it before somebody signs in (%p)", async (more, secret) => {
  const page = await opened(withOidc(more), secret);
  expect(page.oidc).not.toBeNull();
  expect(page.sessionMs).toBe(3_600_000);
  expect(page.cookies.set("session", "x", 1_000)).toContain("__Host-");
});

test.each<[string | undefined, string]>([
  [undefined, "oidc.secret: cannot be read"],
  ["", "oidc.secret: write one line, the secret of the client"],
  ["one\ntwo\n", "oidc.secret: write one line, the secret of the client"],
])("a file of no use for the secret: %p", async (secret, message) => {
  await expect(opened(withOidc(secretFile), secret)).rejects.toThrow(message);
});
