import fc from "fast-check";
import { readClient } from "../../src/oauth/client.js";
import { OAuthError } from "../../src/oauth/error.js";
import { loadRegistry } from "../../src/registry/load.js";
import { hash } from "../approvals/fixture.js";
import { basic, registryWith } from "./fixture.js";

const none = new Map<string, string>();
const secret = fc.string({ unit: "grapheme", minLength: 1 });

test("whatever the key is made of, header and body prove its agent", () => {
  fc.assert(
    fc.property(secret, (key) => {
      const text = `agents: [{id: "a:b/c@d", api_keys: [{sha256: ${hash(key)}}]}]`;
      const registry = loadRegistry({ agents: { file: "agents.yaml", text } });
      const inBody = new Map([
        ["client_id", "a:b/c@d"],
        ["client_secret", key],
      ]);
      expect(readClient(none, basic("a:b/c@d", key).authorization, registry)?.agent?.id).toBe("a:b/c@d");
      expect(readClient(inBody, undefined, registry)?.agent?.id).toBe("a:b/c@d");
    }),
  );
});

test("any header proves nobody, or is refused", () => {
  const registry = registryWith();
  const encoded = fc.uint8Array().map((bytes) => `Basic ${Buffer.from(bytes).toString("base64")}`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), encoded), (header) => {
      try {
        readClient(none, header, registry);
        return false;
      } catch (error) {
        return error instanceof OAuthError && error.code === "invalid_client";
      }
    }),
  );
});

test("a name alone proves nothing", () => {
  expect(readClient(new Map([["client_id", "plain"]]), undefined, registryWith())).toEqual({
    id: "plain",
    agent: null,
  });
  expect(readClient(none, undefined, registryWith())).toBeNull();
});
