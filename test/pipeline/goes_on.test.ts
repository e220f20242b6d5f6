import { Refusal } from "../../src/refusal.js";
import { deploy, files } from "./calls.js";
import { startWorld, type World } from "./world.js";

const minuteMs = 60_000;
let world: World;
let unheardMs: number;

async function start(onStoreFailure: unknown): Promise<void> {
  world = await startWorld(
    { ...files, config: { on_store_failure: onStoreFailure } },
    {
      wrap: ({ credentials }) => ({
        credentials: {
          ...credentials,
          revocations: {
            ...credentials.revocations,
            fresh: async () => {
              if (unheardMs > 1000) throw new Refusal("store_unavailable", "the store did not answer in time");
            },
            unheardMs: () => unheardMs,
          },
        },
      }),
    },
  );
}
afterEach(() => world.close());

/** Status and reason of a call on a process that has not heard who was disabled for so long. */
async function after(ms: number, agent = "limited"): Promise<[number, unknown]> {
  unheardMs = ms;
  const { status, metadata } = await world.ask(deploy(agent));
  return [status, metadata.reason];
}

test("who was disabled meanwhile goes on for as long as the operator says, and no longer", async () => {
  await start({ local: 0.2, for: "5m" });
  expect(await after(0)).toEqual([200, "allowed"]);
  expect(await after(5 * minuteMs)).toEqual([200, "allowed"]);
  expect(await after(5 * minuteMs + 1)).toEqual([503, "store_unavailable"]);
  expect(await after(0)).toEqual([200, "allowed"]);
});

test("a process that has never heard lets nothing through, and so does one that is not to go on", async () => {
  await start({ local: 0.2 });
  expect(await after(Number.POSITIVE_INFINITY)).toEqual([503, "store_unavailable"]);
  expect(await after(15 * minuteMs)).toEqual([200, "allowed"]);
  await world.close();
  await start("deny");
  expect(await after(1001)).toEqual([503, "store_unavailable"]);
});

test("people are not asked, and policies that need the session not judged, on old knowledge", async () => {
  await start({ local: 0.2 });
  expect(await after(2000, "asking")).toEqual([503, "store_unavailable"]);
  expect(await after(2000, "session-aware")).toEqual([503, "store_unavailable"]);
});
