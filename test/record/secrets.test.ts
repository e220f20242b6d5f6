import fc from "fast-check";
import { isSecret, withoutSecrets, withoutTokens } from "../../src/record/secrets.js";

const none = new Set<string>();

test.each([
  ...["password", "passwd1", "pwd", "db_password", "clientSecret", "secrets", "accessKey", "access_key"],
  ...["AWS_ACCESS_KEY", "x-api-key", "apiKey", "privateKey", "token", "accessToken", "access_token", "x-auth", "sig"],
  ...["otp", "pin", "cookie"],
])("%s names a secret", (name) => {
  expect(isSecret(name, "x")).toBe(true);
});

test.each(["replicas", "keyboard", "pinned", "tokenizer", "author", "design", "environment"])(
  "%s names none",
  (name) => {
    expect(isSecret(name, "x")).toBe(false);
  },
);

test("a number is a secret only where secrets are digits", () => {
  expect(isSecret("max_tokens", 4096)).toBe(false);
  expect(isSecret("max_tokens", "4096")).toBe(true);
  expect(isSecret("pin", 1234)).toBe(true);
});

test("secrets are masked by name at every depth, and what policies take out of calls at the top", () => {
  const params = {
    replicas: 3,
    db: { password: "p", hosts: [{ apiKey: "k", name: "n" }] },
    pin: 1234,
    token: null,
    month: "10",
    of: { month: "10" },
  };
  expect(withoutSecrets(params, new Set(["month"]))).toEqual({
    replicas: 3,
    db: { password: "[secret]", hosts: [{ apiKey: "[secret]", name: "n" }] },
    pin: "[secret]",
    token: null,
    month: "[removed]",
    of: { month: "10" },
  });
  expect(withoutSecrets({ max_tokens: 4096 }, none)).toEqual({ max_tokens: 4096 });
});

test.each([
  ["a JWT", "use eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln now", "use [token] now"],
  ["one without signature", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "[token]"],
  ["the shortest that can be", "eyJ01234567..", "[token]"],
  ["an encrypted one", "eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn", "[token]"],
  ["keys and tokens of ours", "csk_0123456789abcdef0123 or cst_0123456789abcdef0123", "[token] or [token]"],
  ["behind an underscore", "prod_cst_0123456789abcdef0123", "prod_[token]"],
  [
    "one that a sentence has cut short",
    "environment eyJhbGciOiJF... (812 characters) is not",
    "environment [token]... (812 characters) is not",
  ],
  ["one behind what only looks like one", "eyJ.a.x-eyJhbGciOiJF.e30.c2ln", "[token]"],
  [
    "no token",
    "keyJonathanX.prod.internal, eyJ.a.b and csk_short",
    "keyJonathanX.prod.internal, eyJ.a.b and csk_short",
  ],
])("%s is masked as it should be", (_, text, shown) => {
  expect(withoutTokens(text)).toBe(shown);
});

test("no text takes long", () => {
  for (const piece of ["-eyJ", "-csk_", ".eyJ", "-eyJhbGciOiJ", "eyJ... (1 "]) {
    const text = piece.repeat(2 ** 20 / piece.length);
    const startedMs = performance.now();
    withoutTokens(text);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  }
});

test("masking twice is masking once", () => {
  const piece = fc.constantFrom("eyJhbGciOiJF", ".", "csk_", "0123456789abcdef", "x", "[token]", "... (9 characters)");
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const once = withoutTokens(pieces.join(""));
      expect(withoutTokens(once)).toBe(once);
    }),
  );
});
