import type { Call } from "../call.js";
import { Refusal } from "../refusal.js";
import type { Task } from "../session.js";

/**
 * Throws `outside_task` for a call that is not part of what its session was started for. A call that does not say what the
 * task fixes could be anything, so it is outside too.
 */
export function checkTask(task: Task | undefined, call: Call): void {
  if (!task) return;
  const { service, environment, images } = call;
  const said = {
    service: service === null ? [] : [service],
    environment: environment === null ? [] : [environment],
    image: images,
  };
  for (const [part, permitted] of Object.entries(task) as [keyof Task, readonly string[]][]) {
    const named = said[part];
    if (named.length > 0 && named.every((one) => permitted.includes(one))) continue;
    const actual = part === "image" ? [...named] : (named[0] ?? null);
    const message =
      named.length === 0
        ? `the session was started for ${part} ${permitted.join(", ")}, and the call names none`
        : `the session was started for ${part} ${permitted.join(", ")}, not for ${named.join(", ")}`;
    throw new Refusal("outside_task", message, {
      violations: [{ rule: "outside_task", param: part, limit: [...permitted], actual, message }],
    });
  }
}
