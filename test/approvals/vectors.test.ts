import { readFileSync } from "node:fs";
import { isOpened, signOpening } from "../../src/approvals/opening.js";
import { issueOverride, verifyOverride } from "../../src/approvals/override_token.js";
import { type AnswerStatement, shownDigest, signAnswer, verifyAnswer } from "../../src/approvals/proof.js";
import type { SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { Refusal } from "../../src/refusal.js";
import type { Approval } from "../../src/store/store.js";

const vectors = JSON.parse(readFileSync("test/vectors/tokens.json", "utf8"));

interface OverrideVector {
  name: string;
  token: string;
  agent: string;
  session: string;
  now: string;
  proves?: object;
  reason?: string;
}
interface ProofVector {
  name: string;
  statement: AnswerStatement;
  proof: string;
  holds: boolean;
}

interface OpeningVector {
  name: string;
  approval: Approval;
  holds: boolean;
}

let key: SigningKey;
beforeAll(async () => {
  key = await signingKeyOf(vectors.key);
});

test.each<OverrideVector>(vectors.override_tokens)("override token: $name", async (vector) => {
  const { token, agent, session, now, proves, reason } = vector;
  const verified = verifyOverride(token, { key, now: Date.parse(now), agent, session });
  const result = await verified.catch((error: unknown) => error);
  if (reason === undefined) expect(result).toEqual(proves);
  else expect(result instanceof Refusal ? result.reason : result).toBe(reason);
});

test("issuing again gives the same bytes", async () => {
  const [{ approval, token }] = vectors.override_tokens;
  expect(await issueOverride(key, approval)).toBe(token);
});

test.each<ProofVector>(vectors.answer_proofs)("answer proof: $name", ({ statement, proof, holds }) => {
  expect(verifyAnswer(key, proof, statement)).toBe(holds);
});

test.each<OpeningVector>(vectors.openings)("opening: $name", ({ approval, holds }) => {
  expect(isOpened(key, approval)).toBe(holds);
});

test("opening again gives the same bytes", () => {
  const [{ approval }] = vectors.openings;
  const expiresInMs = approval.expiresAtMs - approval.createdAtMs;
  expect(signOpening(key, { ...approval, expiresInMs }, Date.parse(approval.openedAt)).opening).toBe(approval.opening);
});

test("digest and proof are made again to the byte", () => {
  expect(shownDigest(vectors.shown.request)).toBe(vectors.shown.digest);
  expect(signAnswer(key, vectors.answer_proofs[0].statement)).toBe(vectors.answer_proofs[0].proof);
});
