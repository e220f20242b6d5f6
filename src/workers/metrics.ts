import type { MetricsSource } from "../http/metrics.js";
import type { Peers, Question } from "./peers.js";

const metricsText: Question<null, string> = { name: "metrics" };

/**
 * The metrics of all workers in one text. Each sample names its worker: one that starts anew counts from nothing, which only
 * its own series may show, and gauges of several processes have no sum.
 */
export function metricsOfAll(own: MetricsSource, peers: Peers): MetricsSource {
  if (peers.workers === 1) return own;
  peers.answer(metricsText, () => own.text());
  return {
    contentType: own.contentType,
    async text() {
      const [mine, others] = await Promise.all([own.text(), peers.ask(metricsText, null)]);
      const told = others.flatMap((answer) => ("value" in answer ? [answer.value] : []));
      const silent = others.flatMap((answer) => ("trouble" in answer ? [answer.worker] : []));
      return merged([mine, ...told, upOf(peers.workers, silent)]);
    },
  };
}

function upOf(workers: number, silent: readonly number[]): string {
  const name = "countersign_worker_up";
  const samples = Array.from({ length: workers }, (_, i) => i + 1).map(
    (worker) => `${name}{worker="${worker}"} ${silent.includes(worker) ? 0 : 1}`,
  );
  return [`# HELP ${name} 1 for each worker that answers the others.`, `# TYPE ${name} gauge`, ...samples, ""].join(
    "\n",
  );
}

/** Each metric once, with the samples of all texts behind one another. */
function merged(texts: readonly string[]): string {
  const metrics = new Map<string, { head: string[]; samples: string[] }>();
  for (const text of texts) {
    let metric = { head: [] as string[], samples: [] as string[] };
    for (const line of text.split("\n")) {
      const name = /^# HELP (\S+)/.exec(line)?.[1];
      if (name !== undefined) {
        metric = metrics.get(name) ?? { head: [], samples: [] };
        metrics.set(name, metric);
      }
      if (line.startsWith("#")) {
        if (!metric.head.includes(line)) metric.head.push(line);
      } else if (line !== "") metric.samples.push(line);
    }
  }
  return `${[...metrics.values()].map(({ head, samples }) => [...head, ...samples].join("\n")).join("\n\n")}\n`;
}
