import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { Happening } from "../../src/notify/notice.js";
import { notifications } from "../../src/notify/notifications.js";
import { openNotifiers } from "../../src/notify/notifiers.js";
import { systemRuntime } from "../../src/runtime.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { startReceiver } from "../harness/receiver.js";
import { startTeams } from "../harness/teams_stand_in.js";
import { until } from "../harness/until.js";
import { deploy, files } from "../pipeline/calls.js";
import { keys, startWorld } from "../pipeline/world.js";

const calls = 40;

test("a notifier whose other side hangs changes no decision, and holds up neither calls nor another notifier", async () => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-notify-"));
  const [hanging, working] = [await startReceiver(() => null), await startTeams()];
  await writeFile(join(folder, "secret"), `whsec_${Buffer.alloc(32, 1).toString("base64")}`);
  await writeFile(join(folder, "url"), working.url);
  let tell: (happening: Happening) => void = () => undefined;
  const world = await startWorld(files, { wrap: () => ({ tell: (happening) => tell(happening) }) });
  const runtime = { ...systemRuntime, now: () => world.nowMs };
  const publicUrl = "http://127.0.0.1:9192";
  const config = {
    webhook: { url: hanging.url, secret_file: join(folder, "secret") },
    teams: { webhook_url_file: join(folder, "url"), link_ttl: 900_000 },
  };
  const notifiers = await openNotifiers(config as never, {
    store: world.store,
    runtime,
    publicUrl,
    key: keys.approvals,
  });
  expect(notifiers.map(({ name }) => name)).toEqual(["teams", "webhook"]);
  const { store, approvals } = world;
  const metrics = createMetrics();
  const log = pino({ level: "silent" });
  const telling = notifications({
    notifiers,
    approvals,
    store,
    runtime,
    log,
    metrics,
    publicUrl,
    // No try is given up, and so none is made again.
    timing: { closeMs: 100, tryMs: 600_000 },
  });
  tell = telling.tell;
  try {
    const body = (replicas: number) => Buffer.from(JSON.stringify({ environment: "staging", replicas }));
    const asked = Array.from({ length: calls }, (_, i) => world.ask(deploy("asking", { body: body(i) })));
    const told = await Promise.all(asked);
    expect(new Set(told.map(({ metadata }) => metadata.decision))).toEqual(new Set(["approval_needed"]));
    expect((await world.ask(deploy("bot"))).metadata.decision).toBe("allow");
    expect((await world.ask(deploy("bot", { body: body(51) }))).metadata.decision).toBe("deny");
    // Nobody has answered by now; each call has opened its approval all the same.
    expect(await approvals.list({ status: "pending", limit: 100 })).toHaveLength(calls);
    await until(() => working.cards.length === calls, {
      what: "a card for each approval",
    });
    await until(() => hanging.received.length === 4, { what: "four tries to be under way" });
    expect(await metrics.text()).toContain(`countersign_notifications_waiting{notifier="webhook"} ${calls}`);
  } finally {
    await telling.close();
    await Promise.all([hanging.close(), working.close(), world.close(), rm(folder, { recursive: true })]);
  }
});
