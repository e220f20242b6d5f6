import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as jose from "jose";
import { parse } from "yaml";
import { attestationFields } from "../../src/attestation/fields.js";
import { readAttestation } from "../../src/attestation/read.js";
import { type SignedAttestation, signAttestation } from "../../src/attestation/sign.js";
import { configSchema } from "../../src/config/schema.js";
import { PartMissing } from "../harness/part_missing.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { onPath, run } from "../harness/programs.js";
import { contextOf, goodRead, headerOf, issuer, jws, macOf, newKeys, now, secretOf, state } from "./fixture.js";

const python = await requirePart("Python", async () => {
  const program = await onPath("python3");
  if (program === undefined) throw new PartMissing("python3", "put Python 3 on PATH");
  return program;
});
const page = readFileSync(new URL("../../docs/attestation.md", import.meta.url), "utf8");
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, block = ""]) => block);
const [header = "", hmac = "", answer = ""] = blocks("json");

const keys = await newKeys();
const context = contextOf(keys);
const exampleRead = { ...goodRead, signedAtMs: now };

test("the JSON example is read, once its signature is made by the secret here", () => {
  const { signature, ...fields } = JSON.parse(hmac);
  expect(signature).toMatch(/^hmac-sha256:[0-9a-f]{64}$/);
  const signed = { ...fields, signature: macOf(fields, secretOf(keys.oct)) };
  const value = Buffer.from(JSON.stringify(signed)).toString("base64url");
  expect(readAttestation(value, context)).toMatchObject(exampleRead);
});

test("the header example is the one that is read", () => {
  expect(JSON.parse(header)).toEqual(headerOf(keys.okp, "obs-1"));
  const { signature: _, ...fields } = JSON.parse(hmac);
  const value = jws(JSON.parse(header), fields, keys.okp.sign);
  expect(readAttestation(value, { ...context, keys: [{ kid: "obs-1", key: keys.okp }] })).toMatchObject(exampleRead);
});

describeWith(python, "with Python", (use) => {
  test("the Python example makes what is read", async () => {
    const { signature: _, ...fields } = JSON.parse(hmac);
    const named = JSON.stringify({ ...fields, initiated_by: "zoë@example.com" });
    const secret = secretOf(keys.oct).toString("hex");
    const call = `print(attestation(json.loads(${JSON.stringify(named)}), bytes.fromhex("${secret}")))`;
    const value = await run(use(), ["-c", `${blocks("python")[0]}\n${call}`]);
    expect(readAttestation(value.trim(), context)).toMatchObject({ ...exampleRead, initiated_by: "zoë@example.com" });
  });
});

test("the configuration example is valid", () => {
  expect(configSchema.parse(parse(blocks("yaml")[0] ?? "")).attestation).toMatchObject({
    max_age: 600_000,
    keys: [{ kid: "obs-1" }],
  });
});

const shown = { ...state.known, workflow_run_id: "gh-run-98765" };
const issued = (): SignedAttestation =>
  signAttestation(
    keys.own,
    issuer,
    {
      agent: "deploy-manager",
      session: "abc-123",
      state: { ...state, known: shown, anomalies: 1, indicators: { unknown_tool: 1 } },
    },
    { nowMs: now, id: "01KJMK0000000000000000JT11" },
  );

test("the answer example is what is given out", () => {
  const { signature, ...fields } = JSON.parse(answer);
  const { signature: real, ...said } = issued();
  expect(fields).toEqual(said);
  expect(Object.keys(fields)).toEqual(Object.keys(said));
  expect(real.startsWith(signature.replace("...", ""))).toBe(true);
});

test("the JavaScript example accepts it, and what it names it checks", async () => {
  const jwks = JSON.stringify({ keys: [keys.own.publicJwk()] });
  const server = createServer((_request, response) => response.setHeader("content-type", "application/json").end(jwks));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const [, body = ""] = (blocks("js")[0] ?? "").split("\n\n");
  const code = body.replace("http://127.0.0.1:9192/.well-known", `http://127.0.0.1:${port}/.well-known`);
  expect(code).toContain(`:${port}/`);
  // The clock of the example stands at the time of the attestation.
  const checked = new Function(
    "createRemoteJWKSet",
    "jwtVerify",
    "signature",
    `return (async () => {${code}; return payload})()`,
  );
  const at = (currentDate: Date) => (token: string, set: never, options: object) =>
    jose.jwtVerify(token, set, { ...options, currentDate });
  try {
    const { signature, ...fields } = issued();
    expect(await checked(jose.createRemoteJWKSet, at(new Date(now)), signature)).toMatchObject(fields);
    const later = checked(jose.createRemoteJWKSet, at(new Date(now + 120_000)), signature);
    await expect(later).rejects.toThrow('"iat" claim timestamp check failed');
  } finally {
    server.close();
  }
});

test("the page names every field", () => {
  const table = page.slice(page.indexOf("## Fields"), page.indexOf("## Attestations of others"));
  const rows = [...table.matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \|/gm)].flatMap(
    ([, row = ""]) => row.match(/[a-z_]+/g) ?? [],
  );
  expect(rows.sort()).toEqual(Object.keys(attestationFields.shape).sort());
});
