import { tell } from "../../test/harness/programs.js";
import type { Contender } from "../contenders/contender.js";
import { usedBy } from "../harness/accounting.js";
import { type LoadResult, runGhz } from "../harness/ghz.js";
import { writeRequests } from "../harness/requests.js";
import type { Workload } from "../harness/workload.js";

/** One run of load on one contender. */
export interface Figure extends LoadResult {
  /** Microseconds of CPU a call, of the contender without its Redis. */
  cpuUs: number;
  /** The same of its Redis; 0 without one. */
  redisCpuUs: number;
  residentBytes: number;
  redisResidentBytes: number;
}

export interface LoadTools {
  ghz: string;
  workload: Workload;
  /** Where requests are written. */
  dataFile: string;
}

/**
 * Loads a contender with fresh calls: in closed loop, or at so many calls a second. Throws when calls fail, since what is
 * counted then is not what was meant.
 */
export async function loadOnce(
  contender: Contender,
  { calls: wanted, offered }: { calls: number; offered?: number },
  { ghz, workload, dataFile }: LoadTools,
): Promise<Figure> {
  const addresses = [contender.address, ...(contender.others ?? [])];
  const each = Math.ceil(wanted / addresses.length);
  const calls = each * addresses.length;
  const dataFiles = addresses.map((_, i) => `${dataFile}-${i}`);
  for (const file of dataFiles) await writeRequests(file, workload, each);
  const redis = contender.redis ? [contender.redis.pid] : [];
  const [before, redisBefore] = [usedBy(contender.pids), usedBy(redis)];
  const result = await runGhz({ ghz, addresses, dataFiles, calls: each, ...(offered && { offered }) });
  const [after, redisAfter] = [usedBy(contender.pids), usedBy(redis)];
  const failed = `${contender.name} did not answer ${result.failed} of ${calls} calls`;
  if (result.failed > calls / 100) throw new Error(failed);
  if (result.failed > 0) tell(`bench: ${failed}`);
  return {
    ...result,
    cpuUs: (after.cpuUs - before.cpuUs) / calls,
    redisCpuUs: (redisAfter.cpuUs - redisBefore.cpuUs) / calls,
    residentBytes: after.residentBytes,
    redisResidentBytes: redisAfter.residentBytes,
  };
}
