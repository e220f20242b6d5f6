import { loadConfig } from "../config/load.js";
import { mustExist } from "./terminal.js";

/** The paths of `--audit`, else the audit directory of the configuration. Throws `WrongUse` for one that is not there. */
export function auditPaths({ audit, config }: { audit?: string[]; config: string }): string[] {
  const paths = audit ?? [loadConfig(config).audit.dir];
  paths.forEach(mustExist);
  return paths;
}
