import type { Json } from "../call.js";
import type { AgentDocument } from "../policies/document.js";
import { type Entrypoint, type Program, type ProgramInstance, resultOf } from "../policies/program.js";
import { allowed } from "./allowed.js";
import { createMatcher } from "./matcher.js";
import { type Named, namedIn, type Prepared, planInput } from "./plan.js";
import { type KeptPlan, Plans } from "./plans.js";
import { readsOf } from "./reads.js";
import { type Placed, Shortcuts } from "./shortcuts.js";
import { slimInput } from "./slim_input.js";

/** Runs the policy program with one agent's document before it. */
export interface Engine {
  /** The decision's result. Throws when the program fails; the broken instance is then thrown away. */
  run(id: string, document: AgentDocument, input: unknown, entrypoint?: Entrypoint): unknown;
  /** For each pattern and each text, what the pattern (RE2) matches in it, in order. Throws as `run` does. */
  match(patterns: readonly { pattern: string }[], texts: readonly string[]): string[][][];
}

type Input = { [name: string]: Json };

/** A whole document, of which plans are made. */
interface Whole extends Placed {
  id: string;
  /** How often a plan of it was asked for. */
  asked: number;
}

/** In bytes. The more there is in a WASM memory, the slower it takes more. */
const mostTaken = 16 * 1024 * 1024;

/**
 * A document that was put before the program so often to prepare one more action stays there: agents may invent actions, and
 * to put a long document there anew for each takes some ten times as long as all else.
 */
const mostAnew = 8;

/** The answer that most calls get. */
const passes = '[{"result":"allowed"}]';

/**
 * Keeps one WASM instance and puts only what concerns the call before it: what the program made of the agent's document for
 * the tool and action, and of that first the shortcut. So memory and time do not grow with the number of agents, nor with
 * what else a document says.
 */
export function createEngine(program: Program): Engine {
  const plans = new Plans();
  const shortcuts = new Shortcuts();
  const wholes = new WeakMap<AgentDocument, Whole>();
  const match = createMatcher();
  let instance: ProgramInstance | null = null;
  /** Counts the memories that plans were put into; an address is good for one of them. */
  let memory = 0;

  function guarded<T>(work: (instance: ProgramInstance) => T): T {
    if (!instance) {
      instance = program.instantiate();
      memory += 1;
    }
    try {
      return work(instance);
    } catch (error) {
      instance = null;
      throw error;
    }
  }

  /** What the program says of a document that is put before it for this question only. */
  function askOnce(program: ProgramInstance, data: object, entrypoint: Entrypoint, input: string): string {
    const taken = program.taken();
    const address = program.put(JSON.stringify(data));
    const answer = program.ask(entrypoint, address, input);
    program.release(taken);
    return answer;
  }

  function askWhole(program: ProgramInstance, id: string, document: AgentDocument, input: string): string {
    const data = { policies: { [id]: document } };
    let whole = wholes.get(document);
    if (whole?.id !== id) {
      whole = { id, asked: 0, address: 0, memory: 0 };
      wholes.set(document, whole);
    }
    whole.asked += 1;
    if (whole.asked <= mostAnew) return askOnce(program, data, "countersign/prepared", input);
    if (whole.memory !== memory) put(program, whole, JSON.stringify(data));
    return program.ask("countersign/prepared", whole.address, input);
  }

  function prepare(program: ProgramInstance, id: string, document: AgentDocument, named: Named): KeptPlan {
    const answer = askWhole(program, id, document, planInput(id, named));
    const { plan, shortcut: short } = resultOf(JSON.parse(answer)) as Prepared;
    // No agent is called so; the program takes it for what it said itself.
    const json = JSON.stringify({ policies: { "(prepared)": plan } });
    const reads = readsOf(plan);
    const shortcut = short && shortcuts.of(short, reads);
    return { json, reads: shortcut?.reads ?? reads, shortcut, address: 0, memory: 0 };
  }

  function put(program: ProgramInstance, kept: Placed, json: string): void {
    if (program.taken() > mostTaken) {
      program.release(0);
      memory += 1;
    }
    kept.address = program.put(json);
    kept.memory = memory;
  }

  function decide(program: ProgramInstance, id: string, document: AgentDocument, input: Input, named: Named): unknown {
    let plan = plans.get(document, named);
    if (!plan) {
      plan = prepare(program, id, document, named);
      plans.set(document, named, plan);
    }
    const told = slimInput(input, plan.reads, match);
    const { shortcut } = plan;
    if (shortcut) {
      if (shortcut.memory !== memory) put(program, shortcut, shortcut.json);
      if (program.ask("countersign/at_once", shortcut.address, told) === passes) return allowed;
    }
    if (plan.memory !== memory) put(program, plan, plan.json);
    const answer = program.ask("countersign/answer", plan.address, told);
    return answer === passes ? allowed : resultOf(JSON.parse(answer));
  }

  return {
    run: (id, document, asked, entrypoint = "countersign/decision") =>
      guarded((program) => {
        const input = Object(asked) as Input;
        const named = entrypoint === "countersign/decision" && isFor(id, input) ? namedIn(input) : null;
        if (named) return decide(program, id, document, input, named);
        // What is known of patterns is found out here, and believed from nobody else.
        const { matched: _, ...told } = input;
        const answer = askOnce(program, { policies: { [id]: document } }, entrypoint, JSON.stringify(told));
        return resultOf(JSON.parse(answer));
      }),
    match: (patterns, texts) =>
      guarded((program) => {
        const input = { patterns: patterns.map(({ pattern }) => pattern), texts };
        const answer = askOnce(program, {}, "countersign/patterns", JSON.stringify(input));
        return resultOf(JSON.parse(answer)) as string[][][];
      }),
  };
}

/** True when the document is the one that the program takes for the agent of the input. */
function isFor(id: string, { agent }: Input): boolean {
  const { id: named } = Object(agent) as { id?: unknown };
  return typeof named === "string" && (id === named || id === "*");
}
