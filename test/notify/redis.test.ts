import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { approvalsService } from "../../src/approvals/service.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { openWebhook } from "../../src/notify/webhook.js";
import { systemRuntime } from "../../src/runtime.js";
import type { Store } from "../../src/store/store.js";
import { call, hash, identity, person, Records, registry, session } from "../approvals/fixture.js";
import { findRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type Received, type Receiver, startReceiver } from "../harness/receiver.js";
import { until } from "../harness/until.js";
import { cleanUp, connected, ownServer } from "../store/redis_fixture.js";
import { someLooks, teller } from "./fixture.js";

const part = await requirePart("Redis", findRedis);
const key = await signingKeyOf(generateKey("OKP", "approvals"));
const folder = await mkdtemp(join(tmpdir(), "countersign-notify-redis-"));
const agent = "deploy-manager";
const escalation = { afterMs: 8_000, to: ["leads"], approvers: [["leads", "sre"]] };
const expiresInMs = 14_000;

let there: Receiver;
beforeAll(async () => {
  await writeFile(join(folder, "secret"), `whsec_${Buffer.alloc(32, 3).toString("base64")}`);
  there = await startReceiver(() => ({ status: 204 }));
});
afterEach(cleanUp);
afterAll(async () => {
  await there.close();
  await rm(folder, { recursive: true });
  if ("value" in part) await part.value.stop();
});

/** A process with a connection of its own, and the one webhook that all of them have. */
async function processOn(url: string) {
  const store = await connected(url, { waitMs: 5_000 });
  const service = approvalsService({
    store,
    key,
    registry: () => registry,
    audit: new Records(),
    runtime: systemRuntime,
    publicUrl: "http://127.0.0.1:9192",
  });
  const notifier = await openWebhook({ url: there.url, secret_file: join(folder, "secret") }, systemRuntime);
  if (!notifier) throw new Error("not configured");
  const here = {
    store,
    service,
    get nowMs() {
      return Date.now();
    },
  };
  return { store, service, ...teller(here, [notifier], { graceMs: 4_000 }) };
}

async function open({ store, service }: { store: Store; service: ReturnType<typeof approvalsService> }, n: number) {
  const asked = service.open({
    id: systemRuntime.id(),
    identity: identity(agent),
    session: { id: session.id, bound: true, initiated_by: "alice" },
    call,
    fingerprint: hash(`call ${n}`),
    reason: "approval_needed",
    violations: [],
    policyVersion: "sha256:9f2c",
    decisionId: "01KJMK0000000000000000DEC1",
    quorum: 1,
    approvers: [["sre"]],
    escalation,
    costMicro: 0,
    expiresInMs,
  });
  const { approval } = await store.settle({
    agent,
    key: `req-${n}`,
    enforced: {},
    approval: { kind: "open", ...asked },
  });
  if (approval.outcome !== "opened") throw new Error("not opened");
  return approval.id;
}

const typesOf = (received: readonly Received[], id: string): string[] =>
  received
    .map(({ body, headers }) => ({ ...JSON.parse(body), messageId: headers["webhook-id"] }))
    .filter(({ data }) => data.approval.id === id)
    .map(({ type, data, messageId }) => `${type} ${data.approval.status} ${String(messageId).replace(id, "")}`);

describeWith(part, "three processes on one Redis", () => {
  test("each approval is told as opened, escalated and expired, once, though some open and never tell", async () => {
    const server = await ownServer();
    const all = [await processOn(server.url), await processOn(server.url), await processOn(server.url)];
    const ids = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const one = all[n % 3] as (typeof all)[number];
        const id = await open(one, n);
        if (n % 2 === 0) one.tell({ kind: "approval.opened", id, agent });
        return id;
      }),
    );
    const [decided = "", ...others] = ids;
    await all[1]?.service.answer(decided, person("bob"), { decision: "approve" });
    all[1]?.tell({ kind: "approval.closed", id: decided, agent });
    const count = others.length * 3;
    const ofOthers = () => there.received.filter(({ body }) => !body.includes(decided));
    await until(() => ofOthers().length >= count, {
      what: `${count} events, not ${ofOthers().length}`,
      timeoutMs: 60_000,
    });
    await someLooks();
    for (const id of others) {
      expect(typesOf(there.received, id)).toEqual([
        "approval.opened pending -opened",
        "approval.escalated pending -escalated",
        "approval.closed expired -closed-expired",
      ]);
    }
    expect(typesOf(there.received, decided).filter((one) => one.startsWith("approval.closed"))).toEqual([
      "approval.closed approved -closed-approved",
    ]);
  });
});
