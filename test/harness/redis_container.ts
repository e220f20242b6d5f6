import { freePort } from "./process.js";
import { tell } from "./programs.js";
import { answersPing, type OwnRedis, untilRedisAnswers } from "./redis.js";

const image = "redis:7-alpine";

/** A server in a container, or `undefined` where no container runtime answers. */
export async function startRedisContainer(): Promise<OwnRedis | undefined> {
  const { GenericContainer, getContainerRuntimeClient } = await import("testcontainers");
  const runtime = await getContainerRuntimeClient().catch(() => undefined);
  if (runtime === undefined) return undefined;
  tell(`redis: starting ${image} in a container`);
  // A fixed port of the host, since a container that is started again would otherwise get another one.
  const port = await freePort();
  const started = await new GenericContainer(image)
    .withCommand(["redis-server", "--save", "", "--appendonly", "no"])
    .withExposedPorts({ container: 6379, host: port })
    .start();
  const host = started.getHost();
  const container = runtime.container.getById(started.getId());
  return {
    url: `redis://${host}:${port}/0`,
    stop: async () => void (await started.stop({ timeout: 0 })),
    controls: {
      kill: async () => void (await container.kill()),
      pause: async () => void (await container.pause()),
      resume: async () => void (await container.unpause()),
      restart: async () => {
        if (await answersPing(host, port)) await container.kill();
        await container.start();
        await untilRedisAnswers(host, port);
      },
    },
  };
}
