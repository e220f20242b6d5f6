import { findJwt } from "../../../src/dlp/detectors/jwt.js";
import { finds } from "./marked.js";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const header = part({ alg: "ES256", typ: "JWT" });
const claims = part({ sub: "jane" });
const lineFirst = ["\n", " ", "\t", "\r\n", "\n\n  "].map((blank) =>
  Buffer.from(`${blank}{"alg":"none"}${blank}`).toString("base64url"),
);
const spaced = Buffer.from('{ "alg": "none" }').toString("base64url");

finds(findJwt, [
  `«${header}.${claims}.c2ln»`,
  `Bearer «${header}.${claims}.c2ln», and more`,
  `token=«${header}.${claims}.c2ln»&x=y`,
  `token_«${header}.${claims}.c2ln»`,
  `a/b/«${header}.${claims}.c2ln»`,
  `«${header}.${claims}.»`,
  `«${spaced}.${claims}.»`,
  ...lineFirst.map((first) => `«${first}.${claims}.»`),
  ...lineFirst.map((first) => `token_«${first}.${claims}.»`),
  `«${header}.a2V5.aXY.dGV4dA.dGFn» x`,
  `«${header}.${claims}.c2ln» «${header}.${claims}.c2ln»`,
  `${header}.${claims}`,
  `${part({ typ: "JWT" })}.${claims}.c2ln`,
  `${part(["alg"])}.${claims}.c2ln`,
  "eyJhbGciOiJ.x.y",
  "deploy.staging.internal",
  "eyJeyJeyJeyJ",
]);

describe("headers that are none", () => {
  const other = `${part({ typ: "JWT" })}.a.b `;

  test("hide no token behind them", () => {
    const token = `${header}.${claims}.c2ln`;
    const [span] = findJwt(other.repeat(999) + token);
    expect(span).toEqual({ start: other.length * 999, end: other.length * 999 + token.length });
  });

  test("are all of them a token when there are more than 1000", () => {
    expect(findJwt(other.repeat(1000))).toEqual([]);
    expect(findJwt(other.repeat(1001))).toEqual([{ start: 0, end: other.length * 1001 }]);
  });

  test("are not counted when they do not even look like one", () => {
    expect(findJwt("eyJhbGci.a.b ".repeat(5000))).toEqual([]);
  });
});
