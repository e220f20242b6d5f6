import { type Link, linkToPeers } from "../../src/workers/link.js";
import type { FromWorker } from "../../src/workers/messages.js";
import { metricsOfAll } from "../../src/workers/metrics.js";
import { decisionsOfOthers } from "../../src/workers/outcomes.js";
import type { Question } from "../../src/workers/peers.js";
import { readinessOfAll } from "../../src/workers/readiness.js";

/** Workers that reach each other as by way of a supervisor; those in `away` are not running, those in `silent` say nothing. */
function crew(workers: number) {
  const [away, silent] = [new Set<number>(), new Set<number>()];
  const links: Link[] = [];
  const route = (from: number) => (message: FromWorker) => {
    if (message.kind === "ask") {
      links.forEach((link, i) => {
        const to = i + 1;
        if (to === from || silent.has(to)) return;
        const { id, question, asked } = structuredClone(message);
        if (!away.has(to)) link.heard({ kind: "asked", from, id, question, asked });
        else links[from - 1]?.heard({ kind: "answered", from: to, id, answer: { trouble: "is not running" } });
      });
    } else if (message.kind === "answer") {
      links[message.to - 1]?.heard({ kind: "answered", from, id: message.id, answer: structuredClone(message.answer) });
    }
  };
  for (let worker = 1; worker <= workers; worker++) links.push(linkToPeers({ worker, workers }, route(worker)));
  return { links, away, silent, first: links[0] as Link };
}

const double: Question<number, number> = { name: "double" };

test("everybody else is asked, and whoever cannot answer says why", async () => {
  const { links, away, first } = crew(4);
  away.add(3);
  links[1]?.answer(double, (n) => n * 2);
  links[3]?.answer(double, () => {
    throw new Error("broken");
  });
  expect(await first.ask(double, 4)).toEqual([
    { worker: 2, value: 8 },
    { worker: 3, trouble: "is not running" },
    { worker: 4, trouble: "broken" },
  ]);
  expect(await (links[1] as Link).ask(double, 1)).toContainEqual({ worker: 1, trouble: "is starting" });
});

test("nobody waits for ever: not for one that is silent, and not without the supervisor", async () => {
  const { silent, first } = crew(2);
  silent.add(2);
  expect(await first.ask(double, 1)).toEqual([{ worker: 2, trouble: "does not answer" }]);
  const left = first.ask(double, 1);
  first.lost();
  expect(await left).toEqual([{ worker: 2, trouble: "does not answer" }]);
  expect(await first.ask(double, 1)).toEqual([{ worker: 2, trouble: "does not answer" }]);
});

test("an answer counts once, and only from whom was asked", async () => {
  const { silent, first } = crew(3);
  silent.add(2).add(3);
  const asked = first.ask(double, 1);
  for (const from of [2, 2, 1, 7]) first.heard({ kind: "answered", from, id: 1, answer: { value: from } });
  first.heard({ kind: "answered", from: 3, id: 2, answer: { value: 3 } });
  expect(await asked).toEqual([
    { worker: 2, value: 2 },
    { worker: 3, trouble: "does not answer" },
  ]);
});

describe("readiness", () => {
  const subject = (states: { ready: boolean; version: string }[]) => {
    const { links, away } = crew(states.length);
    const [first] = states.map(({ ready, version }, i) =>
      readinessOfAll(() => ({ ready, detail: { policy_version: version } }), links[i] as Link),
    );
    return { ask: first as NonNullable<typeof first>, away };
  };
  const [well, other, not] = [
    { ready: true, version: "a" },
    { ready: true, version: "b" },
    { ready: false, version: "a" },
  ];

  test.each([
    ["all are well", [well, well], true, {}],
    ["one is not", [well, not], true, { 2: "is not ready" }],
    ["the one that answers is not", [not, well], true, { 1: "is not ready" }],
    ["none is", [not, not], false, { 1: "is not ready", 2: "is not ready" }],
    ["they disagree", [well, other], true, { 2: "has the policies b" }],
  ])("%s", async (_what, states, ready, workers) => {
    expect(await subject(states).ask()).toEqual({ ready, detail: { policy_version: "a", worker: 1, workers } });
  });

  test("one is away", async () => {
    const { ask, away } = subject([well, well]);
    away.add(2);
    expect(await ask()).toMatchObject({ ready: true, detail: { workers: { 2: "is not running" } } });
  });
});

test("samples of all workers stand together below one head", async () => {
  const { links, away, first } = crew(3);
  const text = (worker: number) =>
    `# HELP a_total Of \\n all.\n# TYPE a_total counter\na_total{worker="${worker}"} ${worker}\n\n# HELP b B.\n# TYPE b gauge\nb{worker="${worker}"} 0\n`;
  const [all] = links.map((link, i) => metricsOfAll({ contentType: "t", text: async () => text(i + 1) }, link));
  away.add(3);
  expect(first.worker).toBe(1);
  expect(await all?.text()).toBe(
    `${[
      '# HELP a_total Of \\n all.\n# TYPE a_total counter\na_total{worker="1"} 1\na_total{worker="2"} 2',
      '# HELP b B.\n# TYPE b gauge\nb{worker="1"} 0\nb{worker="2"} 0',
      '# HELP countersign_worker_up 1 for each worker that answers the others.\n# TYPE countersign_worker_up gauge\ncountersign_worker_up{worker="1"} 1\ncountersign_worker_up{worker="2"} 1\ncountersign_worker_up{worker="3"} 0',
    ].join("\n\n")}\n`,
  );
});

test("whoever decided says so, and else what was told before holds", async () => {
  const { links } = crew(3);
  const passed = { decision_id: "d" } as never;
  const told = (known: Record<string, unknown>) => ({
    recorded: () => {},
    told: (id: string) => (known[id] ?? "unknown") as never,
  });
  const [ask] = [{}, { d: "repeated", e: "repeated", f: "repeated" }, { d: passed, f: "contradicted" }].map(
    (known, i) => decisionsOfOthers(told(known), links[i] as Link),
  );
  const ends = ["d", "e", "f", "g"].map((id) => ({ id, end: "succeeded 200" }));
  expect(await ask?.(ends)).toEqual([passed, "repeated", "contradicted", "unknown"]);
});
