import { readdir } from "node:fs/promises";
import { type Place, place, type Running, start } from "../history/fixture.js";
import { type Api, api, as } from "./fixture.js";

let here: Place;
let server: Running;
let made: Api;
let first: string;
let second: string;

beforeEach(async () => {
  here = await place();
  server = await start(here);
  first = server.current();
  await here.policy(2);
  await server.look();
  second = server.current();
  made = await api({ policies: server.versions });
});
afterEach(async () => {
  await made.app.close();
  await server.stop();
  await here.stop();
});

const get = () => made.send({ url: "/v1/policies", headers: as("viewer") });
const post = (path: string, payload?: string | object) =>
  made.send({
    method: "POST",
    url: `/v1/policies/${path}`,
    headers: { ...as("admin"), ...(typeof payload === "string" && { "content-type": "application/json" }) },
    ...(payload !== undefined && { payload }),
  });

test("the versions, newest first, with the one in force", async () => {
  const answer = await get();
  expect(answer.statusCode).toBe(200);
  const version = (name: string) => ({
    version: name,
    loaded_at: expect.any(String),
    files: ["a.yaml"],
    event: "loaded",
  });
  expect(answer.json()).toEqual({ current: second, rolled_back: null, versions: [version(second), version(first)] });
});

test("back, shown to everybody who may look, and released again", async () => {
  const back = await post("rollback", { version: first.slice(0, 17), reason: "blocks deployments" });
  expect(back.statusCode).toBe(200);
  const rolledBack = {
    from: second,
    to: first,
    at: expect.any(String),
    by: "root@example.com",
    reason: "blocks deployments",
  };
  expect(back.json()).toEqual({ current: first, rolled_back: rolledBack });
  await server.history.written();
  const shown = (await get()).json();
  expect(shown).toMatchObject({ current: first, rolled_back: rolledBack });
  expect(shown.versions[0]).toMatchObject({ version: first, event: "rolled_back" });

  const released = await post("release", { reason: "mended" });
  expect([released.statusCode, released.json()]).toEqual([200, { current: second, rolled_back: null }]);
  expect((await server.records()).slice(2)).toMatchObject([
    { event: "rolled_back", by: "root@example.com", detail: "blocks deployments" },
    { event: "released", by: "root@example.com", detail: "mended" },
  ]);
});

test.each<[string, string, unknown, number, string]>([
  ["no version", "rollback", {}, 400, "malformed_parameter"],
  ["a version that is a number", "rollback", { version: 1 }, 400, "malformed_parameter"],
  ["an unknown key", "rollback", { version: "sha256:9f2c1a77", force: true }, 400, "malformed_parameter"],
  ["an empty reason", "rollback", { version: "sha256:9f2c1a77", reason: "" }, 400, "malformed_parameter"],
  ["a long reason", "release", { reason: "x".repeat(501) }, 400, "malformed_parameter"],
  ["a short version", "rollback", { version: "9f2c" }, 400, "malformed_version"],
  ["a path", "rollback", { version: "../../9f2c1a77" }, 400, "malformed_version"],
  ["a version that is not kept", "rollback", { version: "00000000" }, 404, "unknown_version"],
  ["a release of nothing", "release", {}, 409, "not_rolled_back"],
  ["a body that is no JSON", "rollback", "{", 400, "malformed_body"],
  ["no body", "rollback", undefined, 400, "malformed_parameter"],
])("%s is refused", async (_what, path, body, status, reason) => {
  const answer = await post(path, body as object);
  expect([answer.statusCode, answer.json().reason]).toEqual([status, reason]);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(server.current()).toBe(second);
  expect(await readdir(here.dir)).not.toContain("rollback.json");
});

test("the version in force is refused, with words that say so", async () => {
  const answer = await post("rollback", { version: second });
  expect(answer.json()).toMatchObject({
    status: 409,
    reason: "already_in_force",
    detail: `${second} is in force already`,
  });
});

test("what cannot be recorded is not told as done", async () => {
  server.disk.fail("append", "EIO", { times: 9 });
  const answer = await post("rollback", { version: first });
  expect(answer.json()).toMatchObject({ status: 503, reason: "not_in_force_yet" });
  expect((await get()).json()).toMatchObject({ current: second, rolled_back: null });
});

test("two people at once: one of them goes back, the other is told that it is so already", async () => {
  const answers = await Promise.all([post("rollback", { version: first }), post("rollback", { version: first })]);
  expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
  expect(server.current()).toBe(first);
});
