import { maskInput } from "../../src/record/input.js";
import { jwt, maskerOf } from "./fixture.js";

test("all that the agent sent is masked, and what is proven stays", () => {
  const params = { ssn: "123456789", environment: "ada@example.com", password: "p" };
  const mask = maskerOf({ params, path: "/v1/123456789" });
  const proven = {
    agent: { id: "bot", model: "ada@example.com" },
    tool: "api",
    facts: { repository: "123456789" },
    session: { initiated_by: "ada@example.com" },
    approval: { id: "apr_1" },
    time: { unix_ms: 123456789 },
  };
  const sent = {
    action: "deploy-123456789",
    environment: "ada@example.com",
    service: jwt,
    images: ["shop/123456789@sha256:aa"],
    params,
    destination: { host: "123456789.example.com", port: 443, scheme: "https" },
    http: {
      method: "POST",
      path: "/v1/123456789",
      query: { q: "123456789" },
      headers: { "x-note": `${jwt} ada@example.com`, "x-api-key": "[credential]" },
    },
    dlp: { detectors: ["email"], hits: [{ detector: "email", in: "params", name: jwt }] },
    rego: { "agent.deploy": { failed: "no rule for 123456789" } },
    more: ["123456789"],
  };
  expect(maskInput({ ...proven, ...sent }, mask)).toEqual({
    ...proven,
    action: "deploy-123456789",
    environment: "[email]",
    service: "[jwt]",
    images: ["shop/123456789@sha256:aa"],
    params: { ssn: "[ssn]", environment: "[email]", password: "[secret]" },
    destination: { host: "123456789.example.com", port: 443, scheme: "https" },
    http: {
      method: "POST",
      path: "/v1/[ssn]",
      query: { q: "123456789" },
      headers: { "x-note": "[jwt] [email]", "x-api-key": "[secret]" },
    },
    dlp: { detectors: ["email"], hits: [{ detector: "email", in: "params", name: "[jwt]" }] },
    rego: { "agent.deploy": { failed: "no rule for 123456789" } },
    more: ["123456789"],
  });
});

test("what holds nothing to mask is shown as it is, and not copied", () => {
  const input = {
    action: "deploy",
    images: ["shop@sha256:aa"],
    params: { replicas: 3, deep: { list: [{ a: 1 }] } },
    destination: { host: "deploy.internal", port: 443, scheme: "https" },
    tool: "api",
  };
  const http = { method: "POST", path: "/v1/deploy", query: { a: "b" }, headers: { accept: "*/*" } };
  expect(maskInput(input, maskerOf({}))).toBe(input);
  const shown = maskInput({ ...input, http }, maskerOf({}));
  expect(shown).toEqual({ ...input, http });
  for (const [name, value] of Object.entries(input)) expect(shown[name]).toBe(value);
  expect(Object(shown.http).headers).toBe(http.headers);
});
