import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pack, unpack } from "../../src/bundle/archive.js";
import { openBundle } from "../../src/bundle/open.js";
import { type SignatureKey, signatureFile, verifySignature } from "../../src/bundle/signature.js";
import { readBundleKey } from "../../src/bundle/verify_key.js";
import { packBundle, writeBundle } from "../../src/bundle/write.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { run } from "../harness/programs.js";
import { inFolder, newKey, nowMs, program, set } from "./fixture.js";

const opa = await requirePart("opa", findOpa);

describeWith(opa, "the real OPA", (use) => {
  const pairs: Record<string, () => { publicKey: KeyObject; privateKey: KeyObject }> = {
    ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    EdDSA: () => generateKeyPairSync("ed25519"),
  };

  async function files(folder: string, alg: string): Promise<{ signing: string; checking: string; key: SignatureKey }> {
    const at = (name: string) => join(folder, name);
    if (alg === "HS256") {
      const secret = randomBytes(32).toString("hex");
      const jwk = { kty: "oct", k: Buffer.from(secret).toString("base64url") };
      await writeFile(at("key.jwk"), JSON.stringify(jwk), { mode: 0o600 });
      return { signing: secret, checking: secret, key: await readBundleKey(at("key.jwk")) };
    }
    const pair = pairs[alg]?.();
    await writeFile(at("private.pem"), pair?.privateKey.export({ type: "pkcs8", format: "pem" }) ?? "");
    await writeFile(at("public.pem"), pair?.publicKey.export({ type: "spki", format: "pem" }) ?? "");
    return { signing: at("private.pem"), checking: at("public.pem"), key: await readBundleKey(at("public.pem")) };
  }

  test.each(["ES256", "RS256", "EdDSA", "HS256"])(
    "what `opa sign` signs with %s is accepted, and nothing else",
    (alg) =>
      inFolder(async (folder) => {
        const bundle = join(folder, "bundle.tar.gz");
        await writeBundle(set, bundle);
        const { signing, key: checking } = await files(folder, alg);
        await run(use().program, [
          "sign",
          "--bundle",
          bundle,
          "--signing-alg",
          alg,
          "--signing-key",
          signing,
          "-o",
          folder,
        ]);
        const entries = new Map([
          ...(await unpack(await readFile(bundle))),
          [signatureFile, await readFile(join(folder, signatureFile))],
        ]);
        const opened = await openBundle(await pack(entries), { program, key: checking, nowMs });
        expect([opened.set.version, opened.signedAtMs]).toEqual([set.version, null]);
        entries.set("policy.wasm", Buffer.alloc(8));
        await expect(verifySignature(entries, checking, nowMs)).rejects.toThrow("policy.wasm is not what was signed");
      }),
  );

  test("what `opa build` signs is accepted", () =>
    inFolder(async (folder) => {
      const { signing, key: checking } = await files(folder, "ES256");
      const built = join(folder, "built.tar.gz");
      await writeFile(join(folder, "x.rego"), "package x\n\nallow := true\n");
      await writeFile(join(folder, "data.json"), '{"b": 1.50, "a": ["\u2028"]}');
      const sign = ["--bundle", folder, "--signing-alg", "ES256", "--signing-key", signing];
      await run(use().program, ["build", ...sign, "--output", built]);
      const entries = await unpack(await readFile(built));
      expect([...entries.keys()]).toContain("data.json");
      expect(await verifySignature(entries, checking, nowMs)).toEqual({ signedAtMs: null });
    }));

  test.each(["EC", "OKP", "oct"] as const)(
    "accepts what is signed here with a key of type %s, and nothing else",
    (kind) =>
      inFolder(async (folder) => {
        // A secret goes to opa as an argument, so it has to be a text.
        const secret = { kty: "oct", k: Buffer.from(randomBytes(32).toString("hex")).toString("base64url") } as const;
        const own = kind === "oct" ? await signingKeyOf(secret) : await newKey(kind);
        const bundle = join(folder, "bundle.tar.gz");
        await writeBundle(set, bundle, { key: own, nowMs });
        const checking = kind === "oct" ? own.verifyKey.export().toString() : join(folder, "public.pem");
        if (kind !== "oct") await writeFile(checking, own.verifyKey.export({ type: "spki", format: "pem" }));
        const check = (file: string) =>
          run(use().program, [
            ...["build", "--bundle", file, "--output", join(folder, "again.tar.gz")],
            ...["--signing-alg", own.alg, "--verification-key", checking],
          ]);
        await check(bundle);

        const entries = new Map(await unpack(await packBundle(set, { key: own, nowMs })));
        entries.set("data.json", Buffer.from(String(entries.get("data.json")).replace('"limit":5', '"limit":6')));
        await writeFile(join(folder, "bad.tar.gz"), await pack(entries));
        await expect(check(join(folder, "bad.tar.gz"))).rejects.toMatchObject({
          stdout: expect.stringContaining("digest mismatch"),
        });
      }),
  );
});
