import type { PolicyVersions } from "../history/service.js";
import type { Peers, Question } from "./peers.js";

const look: Question<null, null> = { name: "policies.look" };

/**
 * Going back, and its end, for all workers: what is asked for lies in the folder that they share, and each follows it by
 * itself. Those that are told to look do so before the answer; one that is away follows when it is back.
 */
export function policiesOfAll(own: PolicyVersions, peers: Peers): PolicyVersions {
  peers.answer(look, async () => {
    await own.look();
    return null;
  });
  const followed = async <T>(done: Promise<T>): Promise<T> => {
    const view = await done;
    await peers.ask(look, null);
    return view;
  };
  return {
    ...own,
    rollBack: (version, by, reason) => followed(own.rollBack(version, by, reason)),
    release: (by, reason) => followed(own.release(by, reason)),
  };
}
