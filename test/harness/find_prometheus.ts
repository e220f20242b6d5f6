import { installPackage } from "./package_manager.js";
import { PartMissing } from "./part_missing.js";
import { onPath } from "./programs.js";

/** Both programs of Prometheus. */
export interface PrometheusPrograms {
  prometheus: string;
  promtool: string;
}

/** `prometheus` and `promtool` on PATH, or a package. Throws `PartMissing`. */
export async function findPrometheus(): Promise<PrometheusPrograms> {
  const found =
    (await both()) ?? ((await installPackage({ "apt-get": "prometheus", apk: "prometheus" })) && (await both()));
  if (!found)
    throw new PartMissing(
      "Prometheus",
      "put prometheus and promtool on PATH, for example by apt-get install prometheus",
    );
  return found;
}

async function both(): Promise<PrometheusPrograms | undefined> {
  const [prometheus, promtool] = [await onPath("prometheus"), await onPath("promtool")];
  return prometheus !== undefined && promtool !== undefined ? { prometheus, promtool } : undefined;
}
