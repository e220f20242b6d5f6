import { firstSeqOf, isWriterName } from "../audit/segments.js";

/** What an object of the archive is, by its key. */
export interface ArchiveKey {
  kind: "segment" | "heads";
  /** UTC, `yyyy-mm-dd`. */
  day: string;
  writer: string;
  /** Name of the segment, or of the statement. */
  name: string;
}

const headsName = /^heads-\d{8}T\d{6}\.\d{3}Z\.json$/;

/** Key below the prefix: `<yyyy>/<mm>/<dd>/<writer>/<name>`. */
export function keyOf(prefix: string, { day, writer, name }: Omit<ArchiveKey, "kind">): string {
  return within(prefix, `${day.replaceAll("-", "/")}/${writer}/${name}`);
}

/** Name of the object that holds a statement of heads. */
export function headsNameOf(timestamp: string): string {
  return `heads-${new Date(timestamp).toISOString().replaceAll(/[-:]/g, "")}.json`;
}

/** Key of an object that only shows what the bucket does. */
export function probeKeyOf(prefix: string, id: string): string {
  return within(prefix, `probe/${id}`);
}

/** What a key stands for; `null` for one that is not of the archive. */
export function readKey(prefix: string, key: string): ArchiveKey | null {
  const start = within(prefix, "");
  if (!key.startsWith(start)) return null;
  const [, yyyy, mm, dd, writer = "", name = ""] =
    /^(\d{4})\/(\d\d)\/(\d\d)\/([^/]+)\/([^/]+)$/.exec(key.slice(start.length)) ?? [];
  if (!isWriterName(writer)) return null;
  const day = `${yyyy}-${mm}-${dd}`;
  if (firstSeqOf(name) !== null) return { kind: "segment", day, writer, name };
  return headsName.test(name) ? { kind: "heads", day, writer, name } : null;
}

/** True for a key where objects of the archive are, whatever its name. */
export function isDated(prefix: string, key: string): boolean {
  return key.startsWith(within(prefix, "")) && /^\d{4}\/\d\d\/\d\d\//.test(key.slice(within(prefix, "").length));
}

/** What the keys of everything in the archive begin with. */
export function within(prefix: string, rest: string): string {
  return prefix === "" ? rest : `${prefix}/${rest}`;
}
