import { checkTask } from "../../src/attest/task.js";
import { Refusal } from "../../src/refusal.js";
import type { Task } from "../../src/session.js";
import { call } from "../approvals/fixture.js";

const image = "shop@sha256:aa";
const reasonOf = (task: Task | undefined, more: Partial<typeof call> = {}) => {
  try {
    checkTask(task, { ...call, ...more });
    return "none";
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
};

test.each<[string, Task | undefined, Partial<typeof call>, string]>([
  ["no task", undefined, {}, "none"],
  ["a task that fixes nothing", {}, {}, "none"],
  ["the service", { service: ["shop"] }, {}, "none"],
  ["one of the services", { service: ["billing", "shop"] }, {}, "none"],
  ["another service", { service: ["billing"] }, {}, "outside_task"],
  ["no service", { service: ["shop"] }, { service: null }, "outside_task"],
  ["a service in other case", { service: ["Shop"] }, {}, "outside_task"],
  ["the environment", { environment: ["production"] }, {}, "none"],
  ["another environment", { environment: ["staging"] }, {}, "outside_task"],
  ["no environment", { environment: ["production"] }, { environment: null }, "outside_task"],
  ["the image", { image: [image] }, {}, "none"],
  ["one image too many", { image: [image] }, { images: [image, "shop@sha256:bb"] }, "outside_task"],
  ["no image", { image: [image] }, { images: [] }, "outside_task"],
  ["all of it", { service: ["shop"], environment: ["production"], image: [image] }, {}, "none"],
  ["all but one", { service: ["shop"], environment: ["production"], image: ["x"] }, {}, "outside_task"],
  ["nothing permitted", { service: [] }, {}, "outside_task"],
])("%s", (_, task, more, reason) => {
  expect(reasonOf(task, more)).toBe(reason);
});

test("the refusal says what the session is for and what was asked", () => {
  expect(() => checkTask({ environment: ["staging"] }, call)).toThrow(
    expect.objectContaining({
      violations: [
        {
          rule: "outside_task",
          param: "environment",
          limit: ["staging"],
          actual: "production",
          message: "the session was started for environment staging, not for production",
        },
      ],
    }),
  );
});
