import { pageCookies, RepeatedCookie } from "../../src/page/cookies.js";

const plain = pageCookies("http://127.0.0.1:9192");
const secure = pageCookies("https://countersign.example/");

test.each<["session" | "link" | "signIn", string, string]>([
  ["session", "countersign_session", "Strict"],
  ["link", "countersign_link", "Lax"],
  ["signIn", "countersign_sign_in", "Lax"],
])("%s", (kind, name, sameSite) => {
  const attributes = `Max-Age=28800; Path=/; HttpOnly`;
  expect(plain.set(kind, "a.b-c_d", 28_800_999)).toBe(`${name}=a.b-c_d; ${attributes}; SameSite=${sameSite}`);
  expect(secure.set(kind, "v", 28_800_000)).toBe(`__Host-${name}=v; ${attributes}; Secure; SameSite=${sameSite}`);
  expect(secure.clear(kind)).toBe(`__Host-${name}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=${sameSite}`);
});

test("a time that is over is no time", () => {
  expect(plain.set("link", "v", -5)).toContain("Max-Age=0;");
});

test("ours are read, from among others", () => {
  const header = "theme=dark; countersign_session=abc; ; =x; countersign_link=def";
  expect(plain.read([header])).toEqual({ session: "abc", link: "def" });
  expect(plain.read(["countersign_session=abc", "countersign_link=def"])).toEqual({ session: "abc", link: "def" });
  expect(plain.read([])).toEqual({});
});

test("over https only those that no neighbour can set", () => {
  expect(secure.read(["countersign_session=abc; __Host-countersign_link=def"])).toEqual({ link: "def" });
  expect(plain.read(["__Host-countersign_session=abc"])).toEqual({});
});

test.each([
  [["countersign_session=a; countersign_session=b"]],
  [["countersign_session=a; countersign_session=a"]],
  [["countersign_session=a", "countersign_session=b"]],
  [["countersign_session=; countersign_session=b"]],
  [["countersign_session=a;countersign_session =b"]],
])("two of a name are refused: %j", (headers) => {
  expect(() => plain.read(headers)).toThrow(RepeatedCookie);
});

test.each(["__proto__=x", "constructor=x; toString=y", `${"a=b; ".repeat(3_000)}`, "%zz=%zz", "countersign_session"])(
  "%p is nothing of ours",
  (header) => expect(plain.read([header])).toEqual({}),
);
