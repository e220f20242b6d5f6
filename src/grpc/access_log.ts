import type { handleClientStreamingCall, Server, ServerReadableStream } from "@grpc/grpc-js";
import type { HttpAccessLogEntry } from "./access_log_messages.js";
import { httpEntries, type Protos } from "./load_protos.js";

/** Who is told of the requests that have ended. Neither may throw. */
export interface AccessLogReader {
  take(entry: HttpAccessLogEntry): void;
  /** So many entries could not be read, or there was no room for them. */
  lost(result: "malformed" | "dropped", count: number): void;
}

export interface AccessLogOptions {
  protos: Protos;
  reader: AccessLogReader;
  /** Entries that may wait to be read, and their bytes. Default 10,000 and 16 MiB. */
  most?: { entries: number; bytes: number };
}

type Stream = ServerReadableStream<Buffer, Buffer>;

/** Decisions wait while entries are read, so it is done a few at a time: 32 take less than a millisecond. */
const atOnce = 32;

/**
 * envoy.service.accesslog.v3.AccessLogService. Its streams live as long as Envoy does, so they are ended when the server
 * stops. Where entries come faster than they are read, streams are held back, and Envoy drops what it cannot keep; a single
 * message that is larger than all the room loses what does not fit.
 */
export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #most: { entries: number; bytes: number };
  readonly #streams = new Map<Stream, () => void>();
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #reading: NodeJS.Immediate | null = null;
  #ended = false;

  constructor(options: AccessLogOptions) {
    this.#options = options;
    this.#most = options.most ?? { entries: 10_000, bytes: 16 * 1024 * 1024 };
  }

  addTo(server: Server): void {
    const { method } = this.#options.protos.accessLog;
    const same = (bytes: Buffer): Buffer => bytes;
    server.addService(
      { StreamAccessLogs: { ...method, requestDeserialize: same, responseSerialize: same } },
      { StreamAccessLogs: this.#handle },
    );
  }

  /** Ends every stream and reads what had come until then. Streams that come later are ended at once. */
  end(): void {
    this.#ended = true;
    for (const end of [...this.#streams.values()]) end();
    while (this.#waiting.length > 0) this.#readSome();
  }

  readonly #handle: handleClientStreamingCall<Buffer, Buffer> = (call, callback) => {
    const end = (): void => {
      if (!this.#streams.delete(call)) return;
      callback(null, Buffer.alloc(0));
      // Nobody reads on, and what still comes must not pile up.
      call.resume();
    };
    this.#streams.set(call, end);
    call.on("data", (message: Buffer) => this.#receive(call, message));
    call.once("end", end);
    call.once("cancelled", () => this.#streams.delete(call));
    call.once("error", () => this.#streams.delete(call));
    if (this.#ended) end();
  };

  #receive(call: Stream, message: Buffer): void {
    if (!this.#streams.has(call)) return;
    let dropped = 0;
    try {
      for (const entry of httpEntries(message)) {
        if (this.#isFull()) dropped++;
        else this.#keep(entry);
      }
    } catch {
      this.#options.reader.lost("malformed", 1);
    }
    if (dropped > 0) this.#options.reader.lost("dropped", dropped);
    if (this.#isFull()) call.pause();
    if (this.#waiting.length > 0) this.#reading ??= setImmediate(this.#goOn);
  }

  #isFull(): boolean {
    return this.#waiting.length >= this.#most.entries || this.#waitingBytes >= this.#most.bytes;
  }

  /** A copy, since an entry would else keep its whole message in memory. */
  #keep(entry: Uint8Array): void {
    this.#waiting.push(Buffer.from(entry));
    this.#waitingBytes += entry.length;
  }

  readonly #goOn = (): void => {
    this.#reading = null;
    this.#readSome();
    if (this.#waiting.length > 0) this.#reading ??= setImmediate(this.#goOn);
    if (!this.#isFull()) for (const call of this.#streams.keys()) if (call.isPaused()) call.resume();
  };

  #readSome(): void {
    const { protos, reader } = this.#options;
    for (const bytes of this.#waiting.splice(0, atOnce)) {
      this.#waitingBytes -= bytes.length;
      let entry: HttpAccessLogEntry;
      try {
        entry = protos.accessLog.decodeEntry(bytes);
      } catch {
        reader.lost("malformed", 1);
        continue;
      }
      reader.take(entry);
    }
  }
}
