import { findJwt } from "../../../src/dlp/detectors/jwt.js";
import { finds } from "./marked.js";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const header = part({ alg: "ES256", typ: "JWT" });
const claims = part({ sub: "jane" });
const spaced = Buffer.from('{ "alg": "none" }').toString("base64url");

finds(findJwt, [
  `«${header}.${claims}.c2ln»`,
  `Bearer «${header}.${claims}.c2ln», and more`,
  `token=«${header}.${claims}.c2ln»&x=y`,
  `token_«${header}.${claims}.c2ln»`,
  `a/b/«${header}.${claims}.c2ln»`,
  `«${header}.${claims}.»`,
  `«${spaced}.${claims}.»`,
  `«${header}.a2V5.aXY.dGV4dA.dGFn» x`,
  `«${header}.${claims}.c2ln» «${header}.${claims}.c2ln»`,
  `${header}.${claims}`,
  `${part({ typ: "JWT" })}.${claims}.c2ln`,
  `${part(["alg"])}.${claims}.c2ln`,
  "eyJhbGciOiJ.x.y",
  "deploy.staging.internal",
  "eyJeyJeyJeyJ",
]);
