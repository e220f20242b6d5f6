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
  for (const name of ["issuer", "approvals", "attestation", "audit", "bundle", "old", "observer"]) {
    const { countersign_use: _, ...jwk } = generateKey("OKP", "issuer" as KeyUse);
    await writeKeyFile(at(name), jwk);
  }
});
afterEach(() => rm(folder, { recursive: true }));

const read = (bundles: { key_file?: string } = { key_file: at("bundle") }, more: object = {}) =>
  readKeys({
    identity: { issuer: { key_file: at("issuer"), accepted_keys: [] } },
    approvals: { key_file: at("approvals") },
    attestation: { key_file: at("attestation"), keys: [] },
    audit: { key_file: at("audit"), accepted_keys: [] },
    bundles,
    ...more,
  } as never);

test("each key is read for its use, and the bundle key only where it is named", async () => {
  const keys = await read();
  const { issuer, approvals, attestation, audit, bundles } = keys;
  const used = [issuer, approvals, attestation, audit, bundles].map((key) => key?.thumbprint);
  expect(new Set(used).size).toBe(5);
  expect([keys.accepted, keys.observers]).toEqual([[], []]);
  expect((await read({})).bundles).toBeNull();
});

test.each(["issuer", "approvals", "attestation", "audit"])(
  "the bundle key cannot be the %s key as well",
  async (other) => {
    await cp(at(other), at("bundle"));
    await expect(read()).rejects.toThrow(`${at("bundle")}: the bundle key is also used for tokens or records`);
  },
);

test.each(["issuer", "approvals", "attestation"])("the audit key cannot be the %s key as well", async (other) => {
  await cp(at(other), at("audit"));
  await expect(read()).rejects.toThrow(`${at("audit")}: the audit key is also used for tokens`);
});

test("keys whose tokens hold too, and keys of observers", async () => {
  const identity = { issuer: { key_file: at("issuer"), accepted_keys: [at("old")] } };
  const attestation = { key_file: at("attestation"), keys: [{ kid: "obs-1", file: at("observer") }] };
  const keys = await read({}, { identity, attestation });
  expect(keys.accepted).toHaveLength(1);
  expect(keys.observers).toMatchObject([{ kid: "obs-1" }]);
});

test("approvals and attestations fall back to the issuer's key", async () => {
  const own = { key_file: at("issuer"), keys: [] };
  const keys = await read({}, { approvals: own, attestation: own });
  expect([keys.approvals.thumbprint, keys.attestation.thumbprint]).toEqual(Array(2).fill(keys.issuer.thumbprint));
});

test.each(["issuer", "approvals", "attestation", "audit"])("an observer cannot sign with our %s key", async (other) => {
  const keys = [{ kid: "obs-1", file: at(other) }];
  const attestation = { key_file: at("attestation"), keys };
  await expect(read({}, { attestation })).rejects.toThrow("obs-1 is a key of our own");
});

describe("keys that signed records before", () => {
  const accepting = (...names: string[]) =>
    read({}, { audit: { key_file: at("audit"), accepted_keys: names.map(at) } });

  test("are read, the present one among them or not", async () => {
    expect((await accepting("old", "audit")).auditAccepted).toHaveLength(2);
  });

  test.each(["issuer", "approvals", "attestation"])("cannot be the %s key as well", async (other) => {
    await expect(accepting("old", other)).rejects.toThrow(`${at(other)}: the audit key is also used for tokens`);
  });

  test("cannot be the bundle key or an observer's", async () => {
    const audit = { key_file: at("audit"), accepted_keys: [at("bundle")] };
    await expect(read({ key_file: at("bundle") }, { audit, bundles: { key_file: at("bundle") } })).rejects.toThrow(
      "also used for tokens or records",
    );
    const attestation = { key_file: at("attestation"), keys: [{ kid: "obs-1", file: at("bundle") }] };
    await expect(read({}, { audit, attestation })).rejects.toThrow("obs-1 is a key of our own");
  });

  test("have a kid that no other key has", async () => {
    for (const name of ["kid-1", "kid-2"]) {
      await writeKeyFile(at(name), { ...generateKey("OKP", "audit"), kid: "audit" });
    }
    await expect(accepting("kid-1", "kid-2")).rejects.toThrow("two keys have the kid audit");
  });
});

test("a kid is one observer's", async () => {
  const one = { kid: "obs-1", file: at("observer") };
  const attestation = { key_file: at("attestation"), keys: [one, { ...one, file: at("old") }] };
  await expect(read({}, { attestation })).rejects.toThrow("obs-1 is listed twice");
});
