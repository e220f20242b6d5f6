import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { headsSuffix, maxHeadsBytes } from "./heads.js";
import { linesOf } from "./lines.js";
import { isWriterName, recordFilesIn } from "./segments.js";
import type { ChainSource, HeadsSource, RecordSource, SegmentSource } from "./source.js";

/**
 * The records below some paths: audit directories, writers' folders, or single segments. Only of folders is it known that
 * all segments are there, and only of audit directories that all writers are. Rejects with the system's error when a
 * path cannot be read.
 */
export async function openFiles(paths: readonly string[]): Promise<RecordSource> {
  const folders = new Map<string, Folder>();
  const statements = new Set<string>();
  let partial = false;
  for (const path of paths.map((given) => resolve(given))) {
    const found = (await stat(path)).isDirectory() ? await below(path) : single(path, folders);
    for (const folder of found.folders) folders.set(folder.path, folder);
    for (const file of found.statements) statements.add(file);
    partial ||= found.partial;
  }
  const heads = new HeadsFiles([...statements]);
  return {
    ...(partial && { partial }),
    chains: async () => [...folders.values()].map(chainOf),
    heads: () => heads.read(),
    problems: () => heads.problems,
  };
}

/**
 * Statements of heads that were kept elsewhere: files, or folders with `*.heads` and `*.json` at any depth. Rejects with the
 * system's error when a path cannot be read.
 */
export async function openHeads(paths: readonly string[]): Promise<Pick<RecordSource, "heads" | "problems">> {
  const files: string[] = [];
  for (const path of paths.map((given) => resolve(given))) {
    if (!(await stat(path)).isDirectory()) files.push(path);
    else {
      const names = (await readdir(path, { recursive: true })).sort();
      files.push(...names.filter((name) => /\.(heads|json)$/.test(name)).map((name) => join(path, name)));
    }
  }
  const heads = new HeadsFiles(files);
  return { heads: () => heads.read(), problems: () => heads.problems };
}

interface Folder {
  path: string;
  files: string[];
  whole: boolean;
}

interface Found {
  folders: Folder[];
  statements: string[];
  partial: boolean;
}

function single(path: string, known: ReadonlyMap<string, Folder>): Found {
  const folder = dirname(path);
  const { files, whole }: Omit<Folder, "path"> = known.get(folder) ?? { files: [], whole: false };
  const all = files.includes(path) ? files : [...files, path];
  return { folders: [{ path: folder, files: whole ? all : all.sort(), whole }], ...own(folder) };
}

/** What a writer's folder, taken by itself, has for statements: the writer's own, which stands beside it. */
function own(folder: string): Pick<Found, "statements" | "partial"> {
  return { statements: isWriterName(basename(folder)) ? [`${folder}${headsSuffix}`] : [], partial: true };
}

async function below(dir: string): Promise<Found> {
  const here: Folder = { path: dir, files: await recordFilesIn(dir), whole: true };
  if (isWriterName(basename(dir))) return { folders: [here], ...own(dir) };
  const folders: Folder[] = here.files.length > 0 ? [here] : [];
  const statements: string[] = [];
  let writers = 0;
  for (const entry of (await readdir(dir, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(dir, entry.name);
    if (!entry.isDirectory()) {
      if (entry.name.endsWith(headsSuffix)) statements.push(path);
      continue;
    }
    const files = await recordFilesIn(path);
    if (files.length === 0 && !isWriterName(entry.name)) continue;
    writers += 1;
    folders.push({ path, files, whole: true });
  }
  // A stray file must not make an audit directory pass for a writer's folder, in which no other writers are missed.
  const partial = writers === 0 && statements.length === 0 && folders.length > 0;
  return { folders: folders.length > 0 ? folders : [here], statements, partial };
}

function chainOf({ path, files, whole }: Folder): ChainSource {
  return { writer: basename(path), place: path, whole, segments: files.map(segmentAt) };
}

function segmentAt(path: string): SegmentSource {
  return { name: basename(path), place: path, lines: (limit) => linesOf(path, limit) };
}

/** Statements in files of their own. */
class HeadsFiles {
  readonly problems: { place: string; message: string }[] = [];
  readonly #paths: readonly string[];

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  async *read(): AsyncGenerator<HeadsSource> {
    for (const place of this.#paths) {
      const bytes = await firstBytes(place, maxHeadsBytes + 2);
      if (bytes === null) continue;
      if (bytes === "no file") {
        this.#wrong(place, "is no file");
        continue;
      }
      const ended = bytes.at(-1) === 0x0a;
      const line = ended ? bytes.subarray(0, -1) : bytes;
      if (line.length > maxHeadsBytes) this.#wrong(place, "is longer than a statement of heads can be");
      // Objects of a bucket need no newline.
      else if (!ended && place.endsWith(headsSuffix)) this.#wrong(place, "does not end with a newline");
      else yield { place, line };
    }
  }

  #wrong(place: string, message: string): void {
    this.problems.push({ place, message });
  }
}

/** `null` for a file that is not there: a writer that has not stated anything yet. */
async function firstBytes(path: string, most: number): Promise<Buffer | null | "no file"> {
  try {
    // Opening a pipe waits for somebody who writes.
    if (!(await stat(path)).isFile()) return "no file";
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, most)), 0, undefined, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
