import { findEnvoy } from "../harness/find_envoy.js";
import { startRedis } from "../harness/find_redis.js";
import type { Answer } from "../harness/http.js";
import { type Part, requirePart } from "../harness/parts.js";
import type { OwnRedis } from "../harness/redis.js";
import { type Stack, type StackOptions, startStack } from "../harness/stack.js";

/** Envoy, and a Redis of our own: rates and budgets have to begin at nothing. */
export interface Parts {
  program: string;
  redis: OwnRedis;
}

/** For the top of a test file. */
export function findParts(): Promise<Part<Parts>> {
  return requirePart("Envoy or Redis", async () => ({ program: await findEnvoy(), redis: await startRedis() }));
}

/** One stack for all tests of a suite, on its Redis; before each test the tool forgets what reached it. */
export function oneStack(
  use: () => Parts,
  started: (stack: Stack) => void | Promise<void>,
  edit?: StackOptions["edit"],
): void {
  let stack: Stack | undefined;
  beforeAll(async () => {
    const { program, redis } = use();
    stack = await startStack({ store: redis.url, envoyProgram: program, ...(edit && { edit }) });
    await started(stack);
  });
  afterAll(async () => {
    await stack?.stop();
    await use().redis.stop();
  });
  beforeEach(() => {
    if (stack) stack.tool.requests.length = 0;
  });
}

/** The error payload of a refused call. */
export function payload(answer: Answer): Record<string, unknown> & { approval?: { id: string } } {
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  return JSON.parse(answer.body);
}
