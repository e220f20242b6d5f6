import {
  checkAnswer,
  checkFilter,
  checkLook,
  checkMark,
  checkName,
  checkOnce,
  checkSettle,
  checkUsage,
} from "./check.js";
import type { Store } from "./store.js";

/** The store behind the checks: what two stores could understand differently is a `RangeError` and reaches neither. */
export function checked(store: Store): Store {
  return {
    ...store,
    look: after(checkLook, store.look),
    settle: (request) => {
      try {
        checkSettle(request);
      } catch (error) {
        return Promise.reject(error);
      }
      return store.settle(request);
    },
    sessionAgents: after((session) => checkName("session", session), store.sessionAgents),
    approval: after((id, agent) => {
      checkName("id", id);
      if (agent !== undefined) checkName("agent", agent);
    }, store.approval),
    approvals: after(checkFilter, store.approvals),
    answer: after(checkAnswer, store.answer),
    mark: after((of, name) => checkMark(of, name), store.mark),
    marked: after(checkMark, store.marked),
    once: after(checkOnce, store.once),
    usage: after(checkUsage, store.usage),
    ping: after((owner) => {
      if (typeof owner === "string") checkName("owner", owner);
    }, store.ping),
  };
}

function after<Request extends unknown[], Result>(
  check: (...request: Request) => void,
  method: (...request: Request) => Promise<Result>,
): (...request: Request) => Promise<Result> {
  // No async function: each call would make two promises more.
  return (...request) => {
    try {
      check(...request);
    } catch (error) {
      return Promise.reject(error);
    }
    return method(...request);
  };
}
