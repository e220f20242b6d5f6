import fc from "fast-check";
import { claimedIssuer, readToken } from "../../src/issuers/read_token.js";
import { Refusal } from "../../src/refusal.js";

const part = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const claims = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,8}$/),
  fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^\w*$/)),
);

function outcome(token: string): unknown {
  try {
    return readToken(token);
  } catch (error) {
    return error;
  }
}

test("what was written is read", () => {
  fc.assert(
    fc.property(claims, claims, (header, payload) => {
      expect(outcome(`${part(header)}.${part(payload)}.AAAA`)).toEqual({ header, claims: payload });
      const token = `${part(header)}.${part(payload)}.AAAA`;
      expect(claimedIssuer(token)).toBe(payload.iss);
    }),
    { interruptAfterTimeLimit: 2_000 },
  );
});

test("any text is a token or a refusal of status 401, and its issuer a value or unknown", () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      ".",
      "..",
      part({}),
      part({ iss: "x" }),
      part("[1]"),
      part("{"),
      part("null"),
      "AAAA",
      "AB",
      "=",
      " ",
      "é",
    ),
    fc.base64String({ maxLength: 24 }),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.array(pieces).map((all) => all.join("")),
      (text) => {
        const got = outcome(text);
        if (got instanceof Refusal) expect(["credential_malformed", "token_invalid"]).toContain(got.reason);
        else expect(Object.keys(got as object)).toEqual(["header", "claims"]);
        expect(() => claimedIssuer(text)).not.toThrow();
      },
    ),
    { interruptAfterTimeLimit: 2_000 },
  );
});

test("a token has one spelling: no character of it can be changed unnoticed", () => {
  const token = `${part({ alg: "ES256" })}.${part({ iss: "x", n: 1 })}.${part("signature of some length")}`;
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const bytesOf = (text: string) =>
    text
      .split(".")
      .map((one) => Buffer.from(one, "base64url").toString("hex"))
      .join(".");
  for (let at = 0; at < token.length; at++) {
    for (const character of alphabet) {
      const changed = token.slice(0, at) + character + token.slice(at + 1);
      if (changed !== token && !(outcome(changed) instanceof Refusal))
        expect(bytesOf(changed)).not.toBe(bytesOf(token));
    }
  }
});
