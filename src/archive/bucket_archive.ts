import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { type Bucket, placeOf } from "./client.js";
import { keptVersion } from "./kept.js";
import { type ArchiveKey, isDated, readKey, within } from "./keys.js";
import { listVersions, type Version, type Versions } from "./versions.js";

/** An object of the archive: the oldest version of its key, which is what the server put there. */
export interface Archived extends ArchiveKey, Version {
  /** `s3://bucket/key`. */
  place: string;
  /** Versions that came after it, which are none of the archive's. */
  later: Version[];
}

export interface BucketProblem {
  place: string;
  message: string;
}

export interface ArchiveOptions {
  /** Least time from storing an object to the end of its lock; 0 when any lock will do. */
  retentionMs?: number;
  /** Only objects of these UTC days, `yyyy-mm-dd`, both included. */
  fromDay?: string;
  toDay?: string;
}

/** Servers keep whole seconds, and their clocks differ from ours. */
const clocksMs = 300_000;
/** Objects whose locks are asked for at a time. */
const atOnce = 16;

/** What a bucket holds of the archive, and what was done to it. */
export class BucketArchive {
  /** Oldest first within a writer. */
  readonly segments: Archived[] = [];
  readonly heads: Archived[] = [];
  readonly problems: BucketProblem[] = [];
  readonly #bucket: Bucket;
  readonly #retentionMs: number;
  /** Checksums by key, of those that were looked at. */
  readonly #checked = new Map<string, string | null>();

  private constructor(bucket: Bucket, { retentionMs = 0 }: ArchiveOptions) {
    this.#bucket = bucket;
    this.#retentionMs = retentionMs;
  }

  /** Lists every version below the prefix. Rejects with the library's error. */
  static async open(bucket: Bucket, options: ArchiveOptions = {}): Promise<BucketArchive> {
    const archive = new BucketArchive(bucket, options);
    const { fromDay = "", toDay = "9999-12-31" } = options;
    const { prefix } = bucket.place;
    for await (const versions of listVersions(bucket, within(prefix, ""))) {
      const what = readKey(prefix, versions.key);
      if (what === null) {
        if (isDated(prefix, versions.key)) archive.#wrong(versions.key, "has no name that the archive gives");
      } else if (what.day >= fromDay && what.day <= toDay) archive.#add(what, versions);
    }
    archive.#order();
    return archive;
  }

  /** The bytes of an object. Rejects when they are not those of the checksum that is stored with it. */
  async *read(object: Archived): AsyncGenerator<Buffer> {
    const expected = await this.sha256(object);
    const { s3, place } = this.#bucket;
    const { Body } = await s3.getObject({ Bucket: place.bucket, Key: object.key, VersionId: object.versionId });
    if (!(Body instanceof Readable)) throw new Error(`${object.place} has no content`);
    const hash = createHash("sha256");
    for await (const chunk of Body as AsyncIterable<Buffer>) {
      hash.update(chunk);
      yield chunk;
    }
    if (expected !== null && hash.digest("base64") !== expected) {
      throw new Error(`${object.place} did not arrive as it is stored`);
    }
  }

  /** SHA-256 of an object in base64, as it is stored with it; `null` for one without. */
  async sha256(object: Archived): Promise<string | null> {
    await this.check([object]);
    return this.#checked.get(object.key) ?? null;
  }

  /** Looks at locks and at later versions; what is wrong is among `problems` then. */
  async check(objects: readonly Archived[]): Promise<void> {
    const unchecked = objects.filter(({ key }) => !this.#checked.has(key));
    for (let start = 0; start < unchecked.length; start += atOnce) {
      await Promise.all(unchecked.slice(start, start + atOnce).map((object) => this.#check(object)));
    }
  }

  async #check(object: Archived): Promise<void> {
    const { key, later, storedMs } = object;
    const { sha256, lockedUntil } = await keptVersion(this.#bucket, object);
    this.#checked.set(key, sha256);
    if (lockedUntil === null) this.#wrong(key, "has no COMPLIANCE lock");
    else if (lockedUntil.getTime() < storedMs + this.#retentionMs - clocksMs) {
      this.#wrong(key, `is locked until ${lockedUntil.toISOString()} only`);
    }
    if (sha256 === null) this.#wrong(key, "has no SHA-256 checksum");
    const others = await Promise.all(later.map(async (version) => (await keptVersion(this.#bucket, version)).sha256));
    const changed = others.filter((other) => other === null || other !== sha256).length;
    if (changed > 0)
      this.#wrong(key, `was overwritten: ${changed} later version(s) hold other bytes; the oldest counts`);
  }

  #add(what: ArchiveKey, { key, versions, deleteMarkers }: Versions): void {
    const [oldest, ...later] = versions.toReversed();
    if (deleteMarkers > 0) this.#wrong(key, "was hidden by a delete marker; the version before it counts");
    if (oldest === undefined) {
      this.#wrong(key, "has no version any more");
      return;
    }
    const object = { ...what, ...oldest, place: placeOf(this.#bucket.place, key), later };
    (what.kind === "segment" ? this.segments : this.heads).push(object);
  }

  /** A segment is in one place only; of two the one that was stored first counts. */
  #order(): void {
    const first = new Map<string, Archived>();
    for (const segment of this.segments.sort((a, b) => a.storedMs - b.storedMs)) {
      const name = `${segment.writer}/${segment.name}`;
      const other = first.get(name);
      if (other === undefined) first.set(name, segment);
      else this.#wrong(segment.key, `is the same segment as ${other.place}, which was stored first and counts`);
    }
    this.segments.splice(0, this.segments.length, ...[...first.values()].sort(byName));
    this.heads.sort(byName);
  }

  #wrong(key: string, message: string): void {
    this.problems.push({ place: placeOf(this.#bucket.place, key), message });
  }
}

function byName(a: Archived, b: Archived): number {
  return textOrder(a.writer, b.writer) || textOrder(a.name, b.name);
}

function textOrder(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
