import { place, start } from "../history/fixture.js";
import { as } from "./fixture.js";
import type { Open, Route } from "./scene.js";

/** Versions of the policies, by servers that have two; the second time the disk fails before the release. */
export async function policies(open: Open): Promise<void> {
  for (const failing of [false, true]) await rollBackAndRelease(open, failing);
}

async function rollBackAndRelease(open: Open, failing: boolean): Promise<void> {
  const here = await place();
  const server = await start(here);
  const first = server.current();
  await here.policy(2);
  await server.look();
  const { send } = await open({ policies: server.versions });
  const told = (route: Route, about: string, payload?: object) =>
    send(route, about, { headers: as("admin"), ...(payload && { payload }) });
  await told("GET /v1/policies", "two versions");
  await told("POST /v1/policies/rollback", "the one in force", { version: server.current() });
  await told("POST /v1/policies/rollback", "unknown", { version: "sha256:00000000" });
  await told("POST /v1/policies/rollback", "odd", { version: "x" });
  await told("POST /v1/policies/release", "nothing", {});
  await told("POST /v1/policies/rollback", "back", { version: first, reason: "blocks deployments" });
  await told("GET /v1/policies", "rolled back");
  if (failing) server.disk.fail("append", "EIO", { times: 99 });
  await told("POST /v1/policies/release", "released", { reason: "mended" });
  server.disk.fail("append", "EIO", { times: 99 });
  await told("POST /v1/policies/rollback", "not recorded", { version: first });
  await server.stop();
  await here.stop();
}
