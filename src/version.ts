import { readFileSync } from "node:fs";
import { packagePath } from "./package_path.js";

/** Version of this package. */
export const version = (JSON.parse(readFileSync(packagePath("package.json"), "utf8")) as { version: string }).version;
