import fc from "fast-check";
import { OAuthError } from "../../src/oauth/error.js";
import { readForm } from "../../src/oauth/form.js";

const text = fc.string({ unit: "grapheme" }).filter((one) => !one.includes("\0"));
const names = fc.constantFrom("grant_type", "client_id", "scope", "x y", "é", "a&b=c");

test("what a client writes by RFC 6749 appendix B is read as it was meant", () => {
  fc.assert(
    fc.property(fc.dictionary(names, text), (form) => {
      const written = new URLSearchParams(form).toString();
      const wanted = Object.entries(form).filter(([, value]) => value !== "");
      expect([...readForm(Buffer.from(written))]).toEqual(wanted);
    }),
  );
});

test("any bytes are a form or a refusal", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.string().map((one) => Buffer.from(one)),
      ),
      (bytes) => {
        try {
          return [...readForm(bytes).values()].every((value) => value !== "");
        } catch (error) {
          return error instanceof OAuthError && error.code === "invalid_request";
        }
      },
    ),
  );
});
