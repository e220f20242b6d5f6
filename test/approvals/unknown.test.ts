import type { Store } from "../../src/store/store.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { person, type World, world } from "./fixture.js";

const approve = (here: World, id: string, name = "bob") =>
  here.service.answer(id, person(name), { decision: "approve", comment: "go" });

/** The store does what `work` does with an answer, and then nobody hears of it. */
function silentAfter(here: World, work: (answer: Store["answer"]) => Store["answer"]): void {
  const { answer } = here.store;
  here.store.answer = async (...given) => {
    await work(answer)(...given);
    throw new StoreUnavailable("no answer in time");
  };
}

/** Carol's answer comes before the one that the store is given; `then` happens after both. */
function carolFirst(here: World, id: string, then = (): void => {}): void {
  const { answer } = here.store;
  here.store.answer = async (...given) => {
    here.store.answer = answer;
    await approve(here, id, "carol@example.com");
    return answer(...given).finally(then);
  };
}

const unknown = { code: "answer_unknown", status: 503, message: expect.stringContaining("it is not known whether") };

describe("a store that took the answer and said nothing", () => {
  test("is looked at, and the answer counts", async () => {
    const here = await world();
    const id = await here.open();
    silentAfter(here, (answer) => answer);
    const wanted = { status: "approved", decisions: [{ approver: "bob@example.com", comment: "go" }] };
    expect(await approve(here, id)).toMatchObject(wanted);
    expect(here.records.outcomes()).toEqual(["bob@example.com approve approved"]);
  });

  test("also for one of several answers, and for a revocation", async () => {
    const here = await world();
    const id = await here.open({ quorum: 2 });
    silentAfter(here, (answer) => answer);
    expect(await approve(here, id)).toMatchObject({ status: "pending" });
    expect(await approve(here, id, "carol@example.com")).toMatchObject({ status: "approved" });
    expect(await here.service.answer(id, person("bob"), { decision: "revoke" })).toMatchObject({ status: "denied" });
    expect(here.records.outcomes()).toEqual([
      "bob@example.com approve recorded",
      "carol@example.com approve approved",
      "bob@example.com revoke revoked",
    ]);
  });

  test("and another outcome than the one foreseen is recorded", async () => {
    const here = await world();
    const id = await here.open({ quorum: 2 });
    carolFirst(here, id);
    silentAfter(here, (answer) => answer);
    expect(await approve(here, id)).toMatchObject({ status: "approved" });
    expect(here.records.outcomes()).toEqual([
      "bob@example.com approve recorded",
      "carol@example.com approve recorded",
      "bob@example.com approve approved",
    ]);
  });
});

describe("whether an answer counts is not known", () => {
  test("when it is not in the store, where it may still arrive", async () => {
    const here = await world();
    const id = await here.open();
    silentAfter(here, () => async () => ({ outcome: "not_found", approval: null }));
    await expect(approve(here, id)).rejects.toMatchObject({ ...unknown, cause: expect.any(StoreUnavailable) });
    expect(await here.stored(id)).toMatchObject({ status: "pending", answers: [] });
  });

  test("when somebody else's is there, or another one of the same person", async () => {
    const here = await world();
    const id = await here.open({ quorum: 3 });
    const { answer } = here.store;
    here.store.answer = async () => {
      here.store.answer = answer;
      await approve(here, id, "carol@example.com");
      here.nowMs += 1_000;
      await approve(here, id);
      throw new StoreUnavailable("no answer in time");
    };
    await expect(approve(here, id)).rejects.toMatchObject(unknown);
  });

  test("when the store cannot be looked at either", async () => {
    const here = await world();
    const id = await here.open();
    silentAfter(here, (answer) => async (...given) => {
      const result = await answer(...given);
      here.store.approval = async () => {
        throw new StoreUnavailable("no answer in time");
      };
      return result;
    });
    await expect(approve(here, id)).rejects.toMatchObject(unknown);
    expect((await here.stored(id)).status).toBe("approved");
  });

  test("when the store took it with another outcome, which cannot be recorded", async () => {
    const here = await world();
    const id = await here.open({ quorum: 2 });
    carolFirst(here, id, () => {
      here.records.broken = true;
    });
    await expect(approve(here, id)).rejects.toMatchObject(unknown);
    expect((await here.stored(id)).status).toBe("approved");
  });
});

test("what went wrong before an answer was begun is no matter of doubt", async () => {
  const here = await world();
  const id = await here.open();
  const { approval } = here.store;
  here.store.approval = async () => {
    throw new StoreUnavailable("no answer in time");
  };
  await expect(approve(here, id)).rejects.toBeInstanceOf(StoreUnavailable);
  here.store.approval = approval;
  here.store.answer = async () => {
    throw new TypeError("a mistake of ours");
  };
  await expect(approve(here, id)).rejects.toBeInstanceOf(TypeError);
});
