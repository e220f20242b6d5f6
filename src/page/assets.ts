import { readdirSync, readFileSync } from "node:fs";
import { sha256Hex } from "../canonical.js";

/** A file of the page. */
export interface Asset {
  type: string;
  bytes: Buffer;
  /** Strong (RFC 9110 section 8.8.3). */
  etag: string;
}

export interface PageAssets {
  html: Buffer;
  /** By file name. */
  files: ReadonlyMap<string, Asset>;
}

/** What browsers load, by the end of the name. Everything else in the folder stays there. */
const types: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Reads the page from `assets/` beside this module. Throws when it is missing from the package. */
export function pageAssets(): PageAssets {
  const folder = new URL("assets/", import.meta.url);
  const files = readdirSync(folder).flatMap((name): [string, Asset][] => {
    const type = types[name.slice(name.lastIndexOf(".") + 1)];
    if (type === undefined) return [];
    const bytes = readFileSync(new URL(name, folder));
    return [[name, { type, bytes, etag: `"${sha256Hex(bytes)}"` }]];
  });
  return { html: readFileSync(new URL("approvals.html", folder)), files: new Map(files) };
}
