import { identify } from "../../src/identify/index.js";
import { refusalOf } from "../../src/reasons.js";
import { Refusal } from "../../src/refusal.js";
import { fixture, good, hostile } from "./hostile_rows.js";

async function refusalFor(authorization: string): Promise<Refusal> {
  const headers = [{ name: "authorization", value: authorization }];
  const error: unknown = await identify({ headers }, fixture.context).then(
    () => new Error("was accepted"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof Refusal) return error;
  throw error;
}

test("the token that every row spoils is good", async () => {
  const headers = [{ name: "authorization", value: `Bearer ${good()}` }];
  expect((await identify({ headers }, fixture.context)).agent.scopes).toEqual(["deploy-api:deploy"]);
});

test.each(hostile)("%s", async (_name, token, reason) => {
  const refusal = await refusalFor(`Bearer ${token()}`);
  expect(refusal.reason).toBe(reason);
  expect(refusalOf(refusal.reason)).toEqual({ error: "Unauthenticated", status: 401 });
  expect(refusal.detail).not.toMatch(/jose|JWS|kid|signature|undefined/i);
});

test.each([
  ["another scheme", () => "Basic ZGVwbG95LW1hbmFnZXI6eA=="],
  ["no scheme", () => good()],
  ["a scheme that starts alike", () => `BearerToken ${good()}`],
  ["a tab for the space", () => `Bearer\t${good()}`],
  ["no token", () => "Bearer "],
  ["trailing space", () => `Bearer ${good()} `],
  ["leading space", () => ` Bearer ${good()}`],
  ["two tokens", () => `Bearer ${good()} ${good()}`],
  ["a parameter", () => `Bearer token="${good()}"`],
  ["empty", () => ""],
])("an authorization header with %s is malformed", async (_name, value) => {
  expect((await refusalFor(value())).reason).toBe("credential_malformed");
});

test("every single character of a good token counts", async () => {
  const token = good();
  const [header = "", payload = "", signature = ""] = token.split(".");
  // The last character of a part has spare bits, which make no other signature; the one before it has none.
  const places = [
    3,
    header.length + 5,
    header.length + payload.length - 3,
    token.length - signature.length + 2,
    token.length - 2,
  ];
  for (const at of places) {
    const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
    expect((await refusalFor(`Bearer ${changed}`)).reason).toMatch(/^(token_invalid|credential_malformed)$/);
  }
});
