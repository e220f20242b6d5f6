import { parseArgs } from "node:util";

/** What `make bench` may be told. */
export interface Options {
  rounds: number;
  /** Calls of one contender in one round, closed loop; open loop takes as many as fit into `seconds`. */
  calls: number;
  /** Of one run at an offered load. */
  seconds: number;
  /** Requests of one contender in one round through Envoy. */
  requests: number;
  /** Offered loads, as shares of the peer's saturation. */
  levels: number[];
  /** Leaves out the part through Envoy, or the one before it. */
  only: "all" | "grpc" | "envoy";
}

export const usage = `make bench [ROUNDS=5] [CALLS=8000] [SECONDS_EACH=2] [REQUESTS=4000] [LEVELS=0.5] [ONLY=grpc|envoy]

Measures authorizers side by side and prints ratios; see bench/README.md. The same as options of bench/main.ts:
  --rounds N     rounds in which every contender has its turn (default 5)
  --calls N      gRPC calls of a contender in a round, each caller waiting for its answer (default 8000)
  --seconds N    length of a run at an offered load (default 2)
  --requests N   HTTP requests of a contender in a round through Envoy (default 4000)
  --levels A,B   offered loads, as shares of the peer's saturation (default 0.5)
  --only PART    grpc or envoy: one half alone
  --help         this text
`;

/** Throws `RangeError` or `TypeError` for what cannot be meant. `"help"` asks for the usage. */
export function readOptions(args: readonly string[]): Options | "help" {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ rounds: text, calls: text, seconds: text, requests: text, levels: text, only: text },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return "help";
  const only = values.only || "all";
  if (only !== "all" && only !== "grpc" && only !== "envoy") throw new RangeError("--only takes grpc or envoy");
  return {
    rounds: whole("--rounds", values.rounds, 5),
    calls: whole("--calls", values.calls, 8_000),
    seconds: whole("--seconds", values.seconds, 2),
    requests: whole("--requests", values.requests, 4_000),
    levels: (values.levels || "0.5").split(",").map(share),
    only,
  };
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  if (!text) return otherwise;
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new RangeError(`${name} takes a whole number from 1`);
  return Number(text);
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new RangeError("--levels takes numbers between 0 and 1, with commas");
  return value;
}
