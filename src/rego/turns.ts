/** Work of one agent, done step by step. */
export interface Task {
  readonly agent: string;
  /** Those that had no turn yet, in order; at least one when the task is added. A turn takes one away. */
  readonly steps: string[];
}

export interface Bounds {
  /** Steps of one agent under way at a time, at least 1. */
  running: number;
  /** Tasks of one agent with steps that wait. */
  perAgent: number;
  /** The same, of all agents together. */
  inAll: number;
}

/**
 * Whose step is next: each agent has a queue, and the queues are served in turn, so what an agent waits for grows with
 * the number of agents that ask, and not with how much they ask for.
 */
export interface Turns<T extends Task> {
  /**
   * Puts a task at the end of its agent's queue. Gives the task for which there is no room: this one, when its agent's
   * queue is full; else, when all queues together are, the last of the longest queue. It gets no turn.
   */
  add(task: T): T | undefined;
  /** The step to begin now, if there is one. `done` has to be called when it has ended. */
  next(): { task: T; step: string } | undefined;
  /** A step of this agent has ended. */
  done(agent: string): void;
  /** The task gets no further turn. */
  remove(task: T): void;
  /** Removes all tasks, and gives them. */
  clear(): T[];
  /** Agents that something is known of. */
  readonly agents: number;
}

interface Queue<T> {
  agent: string;
  tasks: T[];
  running: number;
}

export function createTurns<T extends Task>({ running, perAgent, inAll }: Bounds): Turns<T> {
  const queues = new Map<string, Queue<T>>();
  /** Queues of which a step may begin; the first has the next turn. */
  const ready = new Set<Queue<T>>();
  let waiting = 0;

  const settle = (queue: Queue<T>) => {
    const waits = queue.tasks.length > 0;
    // A queue that is in the set already keeps its place.
    if (waits && queue.running < running) ready.add(queue);
    else ready.delete(queue);
    if (!waits && queue.running === 0) queues.delete(queue.agent);
  };

  const remove = (task: T) => {
    const queue = queues.get(task.agent);
    const at = queue?.tasks.indexOf(task) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.tasks.splice(at, 1);
    waiting -= 1;
    settle(queue);
  };

  /** The last task of the longest queue, counted with the one that is to be added to `joined`. */
  const lastOfLongest = (task: T, joined: Queue<T>): T => {
    let most = joined.tasks.length + 1;
    let last = task;
    for (const { tasks } of queues.values()) {
      if (tasks.length <= most) continue;
      most = tasks.length;
      last = tasks.at(-1) ?? last;
    }
    return last;
  };

  return {
    add(task) {
      const queue = queues.get(task.agent) ?? { agent: task.agent, tasks: [], running: 0 };
      if (queue.tasks.length >= perAgent) return task;
      const loser = waiting < inAll ? undefined : lastOfLongest(task, queue);
      if (loser === task) return task;
      if (loser !== undefined) remove(loser);
      queue.tasks.push(task);
      waiting += 1;
      queues.set(queue.agent, queue);
      settle(queue);
      return loser;
    },
    next() {
      const [queue] = ready;
      const task = queue?.tasks[0];
      const step = task?.steps.shift();
      if (queue === undefined || task === undefined || step === undefined) return undefined;
      ready.delete(queue);
      queue.running += 1;
      if (task.steps.length === 0) remove(task);
      else settle(queue);
      return { task, step };
    },
    done(agent) {
      const queue = queues.get(agent);
      if (queue === undefined) return;
      queue.running -= 1;
      settle(queue);
    },
    remove,
    clear() {
      const all = [...queues.values()].flatMap(({ tasks }) => tasks);
      for (const task of all) remove(task);
      return all;
    },
    get agents() {
      return queues.size;
    },
  };
}
