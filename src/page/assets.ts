import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { sha256Hex } from "../canonical.js";

/** A file of the pages. */
export interface Asset {
  type: string;
  bytes: Buffer;
  /** Strong (RFC 9110 section 8.8.3). */
  etag: string;
}

export interface PageAssets {
  pages: { approvals: Buffer; dashboard: Buffer };
  /** By file name. */
  files: ReadonlyMap<string, Asset>;
}

/** What browsers load, by the end of the name. Everything else in the folder stays there. */
const types: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Files of the charting library, served as it ships them. */
const charts = ["uPlot.esm.js", "uPlot.min.css"] as const;

/** Reads the pages from `assets/` beside this module. Throws when something is missing from the package. */
export function pageAssets(): PageAssets {
  const folder = new URL("assets/", import.meta.url);
  const { resolve } = createRequire(import.meta.url);
  const files = [
    ...readdirSync(folder).flatMap((name) => assetOf(name, new URL(name, folder))),
    ...charts.flatMap((name) => assetOf(name, resolve(`uplot/dist/${name}`))),
  ];
  const page = (name: string) => readFileSync(new URL(`${name}.html`, folder));
  return { pages: { approvals: page("approvals"), dashboard: page("dashboard") }, files: new Map(files) };
}

function assetOf(name: string, place: URL | string): [string, Asset][] {
  const type = types[name.slice(name.lastIndexOf(".") + 1)];
  if (type === undefined) return [];
  const bytes = readFileSync(place);
  return [[name, { type, bytes, etag: `"${sha256Hex(bytes)}"` }]];
}
