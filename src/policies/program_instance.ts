import { createRequire } from "node:module";

const { loadPolicySync } = createRequire(import.meta.url)(
  "@open-policy-agent/opa-wasm",
) as typeof import("@open-policy-agent/opa-wasm");

/** What `policy.wasm` can be asked; the first is the decision. */
export const entrypoints = [
  "countersign/decision",
  "countersign/at_once",
  "countersign/answer",
  "countersign/prepared",
  "countersign/explanation",
  "countersign/patterns",
  "countersign/valid_patterns",
] as const;
export type Entrypoint = (typeof entrypoints)[number];

/** One WASM instance. What is put before it stays on its heap until it is taken away. Not to be used after it threw. */
export interface ProgramInstance {
  /** Puts a value, written as JSON, behind what is there already. Gives its address. */
  put(json: string): number;
  /** How many bytes everything takes that was put before it. */
  taken(): number;
  /** Takes everything away that was put there since `taken` was so much. */
  release(taken: number): void;
  /**
   * OPA's result set as JSON: `[{"result":...}]`, `[]` when the entrypoint is undefined. `data` is an address, `input` is
   * JSON, or empty where there is none.
   */
  ask(entrypoint: Entrypoint, data: number, input: string): string;
  /** Puts one value there in place of everything, for `evaluate`. */
  setData(data: object): void;
  /** Returns OPA's result set, read, of the entrypoint (the decision by default). */
  evaluate(input: unknown, entrypoint?: Entrypoint): unknown;
}

/** As much of the module's exports as is used here: https://www.openpolicyagent.org/docs/wasm#exports */
interface Exports {
  opa_malloc(bytes: number): number;
  opa_json_parse(address: number, length: number): number;
  opa_heap_ptr_get(): number;
  opa_heap_ptr_set(address: number): void;
  opa_eval(
    reserved: 0,
    entrypoint: number,
    data: number,
    input: number,
    inputLength: number,
    heap: number,
    asJson: 0,
  ): number;
}

interface Loaded {
  wasmInstance: { exports: Exports };
  mem: { buffer: ArrayBuffer; grow(pages: number): number };
  entrypoints: Readonly<Record<Entrypoint, number>>;
  dataHeapPtr: number;
}

const pageBytes = 65_536;

/** The answer to most calls. It is known by its bytes in half the time in which a text is made of them. */
const usual = '[{"result":"allowed"}]';
const usualBytes = Buffer.from(`${usual}\0`);

function isUsual(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < usualBytes.length; i++) {
    if (bytes[start + i] !== usualBytes[i]) return false;
  }
  return true;
}

/**
 * Starts an instance of the program. It calls the module's exports itself, for the library copies the input once more and
 * looks through the answer byte by byte, which costs half as much again as a small evaluation.
 */
export function startProgram(module: WebAssembly.Module): ProgramInstance {
  // No host builtin is offered: a program that needs one fails when it is loaded, not when it decides.
  const loaded = loadPolicySync(module, { initial: 5, maximum: 1024 }) as unknown as Loaded;
  const { mem, entrypoints: ids } = loaded;
  const { opa_malloc, opa_json_parse, opa_heap_ptr_get, opa_heap_ptr_set, opa_eval } = loaded.wasmInstance.exports;
  const bottom = loaded.dataHeapPtr;
  let top = bottom;
  let bytes = Buffer.from(mem.buffer);

  /** The memory as it is now: when it grows, what showed it before shows nothing any more. */
  function memory(): Buffer {
    if (bytes.buffer !== mem.buffer) bytes = Buffer.from(mem.buffer);
    return bytes;
  }

  /** Writes behind everything that was put there. Gives the length in bytes. */
  function write(text: string): number {
    // No UTF-16 unit takes more than three bytes of UTF-8.
    if (top + text.length * 3 > mem.buffer.byteLength) {
      const missing = top + Buffer.byteLength(text) - mem.buffer.byteLength;
      if (missing > 0) mem.grow(Math.ceil(missing / pageBytes));
    }
    return memory().write(text, top, "utf8");
  }

  function put(json: string): number {
    // Also takes back what the last evaluation left behind.
    opa_heap_ptr_set(top);
    const length = Buffer.byteLength(json);
    const at = opa_malloc(length);
    memory().write(json, at, "utf8");
    const address = opa_json_parse(at, length);
    if (address === 0) throw new Error("what was put before the policy program is not JSON");
    top = opa_heap_ptr_get();
    return address;
  }

  function ask(entrypoint: Entrypoint, data: number, input: string): string {
    const length = write(input);
    const start = opa_eval(0, ids[entrypoint], data, length === 0 ? 0 : top, length, top + length, 0);
    const now = memory();
    return isUsual(now, start) ? usual : now.toString("utf8", start, now.indexOf(0, start));
  }

  let whole = put("{}");
  return {
    put,
    ask,
    taken: () => top - bottom,
    release(taken) {
      top = bottom + taken;
    },
    setData(data) {
      top = bottom;
      whole = put(JSON.stringify(data));
    },
    evaluate: (input, entrypoint = "countersign/decision") =>
      JSON.parse(ask(entrypoint, whole, input === undefined ? "" : JSON.stringify(input))) as unknown,
  };
}

/** The one result of an entrypoint. Throws when there is none. */
export function resultOf(results: unknown): unknown {
  if (!Array.isArray(results) || results.length !== 1) throw new Error("the policy program gave no single result");
  return (results[0] as { result?: unknown }).result;
}
