import type { LogLevelAsked, LogLevels } from "../telemetry/log_level.js";
import type { Peers, Question } from "./peers.js";

const change: Question<LogLevelAsked, null> = { name: "log_level.change" };
const asked: Question<null, LogLevelAsked | null> = { name: "log_level.asked" };

/** The level of all workers: a change reaches each of them, and one that is started later takes over what holds. */
export function logLevelOfAll(own: LogLevels, peers: Peers): LogLevels {
  if (peers.workers === 1) return own;
  peers.answer(change, (to) => {
    own.adopt(to);
    return null;
  });
  peers.answer(asked, own.asked);
  void peers.ask(asked, null).then((answers) => {
    const [holds] = answers.flatMap((answer) => ("value" in answer && answer.value ? [answer.value] : []));
    // What was asked of this one in the meantime is newer.
    if (holds && own.asked() === null) own.adopt(holds);
  });
  return {
    ...own,
    async set(level, forMs, by) {
      // It is on record with this worker, and takes effect here, before the others hear of it.
      const view = await own.set(level, forMs, by);
      const holds = own.asked();
      if (holds) await peers.ask(change, holds);
      return view;
    },
  };
}
