import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKey, type KeyUse, writeKeyFile } from "../../src/keys/keys.js";
import { readKeys } from "../../src/server/keys.js";

let folder: string;
const at = (name: string) => join(folder, `${name}.jwk`);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-keys-"));
  // Without `countersign_use`, as keys from elsewhere come, so that only the material tells them apart.
  for (const name of ["issuer", "approvals", "audit", "bundle"]) {
    const { countersign_use: _, ...jwk } = generateKey("OKP", "issuer" as KeyUse);
    await writeKeyFile(at(name), jwk);
  }
});
afterEach(() => rm(folder, { recursive: true }));

const read = (bundles: { key_file?: string } = { key_file: at("bundle") }) =>
  readKeys({
    identity: { issuer: { key_file: at("issuer") } },
    approvals: { key_file: at("approvals") },
    audit: { key_file: at("audit") },
    bundles,
  } as never);

test("each key is read for its use, and the bundle key only where it is named", async () => {
  const keys = await read();
  expect(new Set(Object.values(keys).map(({ thumbprint }) => thumbprint)).size).toBe(4);
  expect((await read({})).bundles).toBeNull();
});

test.each(["issuer", "approvals", "audit"])("the bundle key cannot be the %s key as well", async (other) => {
  await cp(at(other), at("bundle"));
  await expect(read()).rejects.toThrow(`${at("bundle")}: the bundle key is also used for tokens or records`);
});

test.each(["issuer", "approvals"])("the audit key cannot be the %s key as well", async (other) => {
  await cp(at(other), at("audit"));
  await expect(read()).rejects.toThrow(`${at("audit")}: the audit key is also used for tokens`);
});
