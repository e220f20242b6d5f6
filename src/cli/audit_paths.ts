import { isBucketUrl } from "../archive/bucket_url.js";
import { loadConfig } from "../config/load.js";
import { mustExist, WrongUse } from "./terminal.js";

/**
 * The paths of `--audit`, else the audit directory of the configuration. Throws `WrongUse` for a bucket, and for one that is
 * not there.
 */
export function auditPaths({ audit, config }: { audit?: string[]; config: string }): string[] {
  const paths = audit ?? [loadConfig(config).audit.dir];
  for (const path of paths) {
    if (isBucketUrl(path))
      throw new WrongUse(`${path}: is a bucket; copy it first: countersign audit fetch ${path} DIR`);
    mustExist(path);
  }
  return paths;
}
