import { Readable } from "node:stream";
import { type Bucket, placeOf } from "./client.js";
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
  /** Keys whose locks were looked at. */
  readonly #checked = new Set<string>();

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

  /**
   * Opens an object, whose bytes are held against the checksum that is stored with it. The stream fails when they differ.
   */
  async read(object: Archived): Promise<{ stream: Readable; sha256: string | null }> {
    await this.check([object]);
    const { s3, place } = this.#bucket;
    const { Body, ChecksumSHA256 } = await s3.getObject({
      Bucket: place.bucket,
      Key: object.key,
      VersionId: object.versionId,
      ChecksumMode: "ENABLED",
    });
    if (!(Body instanceof Readable)) throw new Error(`${object.place} has no content`);
    return { stream: Body, sha256: ChecksumSHA256 ?? null };
  }

  /** Looks at locks and at later versions; what is wrong is among `problems` then. */
  async check(objects: readonly Archived[]): Promise<void> {
    const unchecked = objects.filter(({ key }) => !this.#checked.has(key));
    for (let start = 0; start < unchecked.length; start += atOnce) {
      await Promise.all(unchecked.slice(start, start + atOnce).map((object) => this.#check(object)));
    }
  }

  async #check(object: Archived): Promise<void> {
    this.#checked.add(object.key);
    const { key, later, storedMs } = object;
    const kept = await this.#head(object);
    const until = kept.ObjectLockRetainUntilDate;
    if (kept.ObjectLockMode !== "COMPLIANCE" || until === undefined) this.#wrong(key, "has no COMPLIANCE lock");
    else if (until.getTime() < storedMs + this.#retentionMs - clocksMs) {
      this.#wrong(key, `is locked until ${until.toISOString()} only`);
    }
    if (kept.ChecksumSHA256 === undefined) this.#wrong(key, "has no SHA-256 checksum");
    const others = await Promise.all(later.map(async (version) => (await this.#head(version)).ChecksumSHA256));
    const changed = others.filter((sha256) => sha256 === undefined || sha256 !== kept.ChecksumSHA256).length;
    if (changed > 0)
      this.#wrong(key, `was overwritten: ${changed} later version(s) hold other bytes; the oldest counts`);
  }

  #head({ key, versionId }: Version) {
    const { s3, place } = this.#bucket;
    return s3.headObject({ Bucket: place.bucket, Key: key, VersionId: versionId, ChecksumMode: "ENABLED" });
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
