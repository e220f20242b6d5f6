import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/** One audit record as it stands in its file. */
export type AuditLine = Record<string, unknown>;

/** Folder of the one writer below an audit directory. */
export async function writerFolder(audit: string): Promise<string> {
  const found = (await readdir(audit, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const [only, ...others] = found;
  if (only === undefined || others.length > 0) throw new Error(`${found.length} writers in ${audit}`);
  return join(audit, only.name);
}

/** Files with records of the one writer below an audit directory, in order; a writer that was closed leaves an empty one. */
export async function auditSegments(audit: string): Promise<string[]> {
  const folder = await writerFolder(audit);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".jsonl")).sort();
  const files = await Promise.all(
    names.map(async (name) => ({ path: join(folder, name), bytes: (await stat(join(folder, name))).size })),
  );
  return files.filter(({ bytes }) => bytes > 0).map(({ path }) => path);
}

/** Every record of the one writer below an audit directory, in order. */
export async function auditRecords(audit: string): Promise<AuditLine[]> {
  const texts = await Promise.all((await auditSegments(audit)).map((path) => readFile(path, "utf8")));
  return texts.flatMap((text) => text.split("\n").filter(Boolean)).map((line): AuditLine => JSON.parse(line));
}
