import { sessionAttestations } from "../../src/attestation/service.js";
import { systemRuntime } from "../../src/runtime.js";
import { memoryStore } from "../../src/store/memory.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { issuer, newKey, now } from "./fixture.js";
import { remember } from "./remember.js";

const runtime = { ...systemRuntime, now: () => now, id: () => "01KJMK0000000000000000JT11" };

test("attests what the store remembers, of each agent its own", async () => {
  const store = memoryStore(runtime);
  await remember(store, { agent: "deploy-manager", session: "abc-123", classification: ["pii"] });
  await remember(store, { agent: "other-agent", session: "abc-123", classification: ["config"] });
  const sessions = sessionAttestations({ store, key: await newKey("OKP"), issuer, runtime });
  expect([...(await sessions.agents("abc-123"))].sort()).toEqual(["deploy-manager", "other-agent"]);
  expect(await sessions.attest("deploy-manager", "abc-123")).toMatchObject({
    agent_id: "deploy-manager",
    session_id: "abc-123",
    data_classification: ["pii"],
    session_integrity: "clean",
    signed_at: "2026-03-01T14:22:00.000Z",
  });
  expect(await sessions.attest("other-agent", "abc-123")).toMatchObject({ data_classification: ["config"] });
});

test("says nothing of a session that nobody remembers", async () => {
  const store = memoryStore(runtime);
  const sessions = sessionAttestations({ store, key: await newKey("OKP"), issuer, runtime });
  expect(await sessions.agents("abc-123")).toEqual([]);
  expect(await sessions.attest("deploy-manager", "abc-123")).toBeNull();
});

test("nothing is attested while the store does not answer", async () => {
  const down = () => Promise.reject(new StoreUnavailable("no answer"));
  const store = { look: down, sessionAgents: down };
  const sessions = sessionAttestations({ store, key: await newKey("OKP"), issuer, runtime });
  await expect(sessions.attest("deploy-manager", "abc-123")).rejects.toThrow(StoreUnavailable);
  await expect(sessions.agents("abc-123")).rejects.toThrow(StoreUnavailable);
});
