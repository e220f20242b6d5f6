import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3 } from "@aws-sdk/client-s3";
import { freePort, type RunningProcess, startProcess } from "./process.js";

/** An S3 server of our own that enforces Object Lock. It keeps its address and its data until `stop`. */
export interface OwnS3 {
  endpoint: string;
  /** What a client needs in its environment. */
  env: Readonly<Record<string, string>>;
  /** A client of the server's owner, who may do everything that a lock does not forbid. */
  client: S3;
  /** Makes a bucket, by default with Object Lock. */
  createBucket(name: string, options?: { lock: boolean }): Promise<void>;
  /** At once, as in a crash. */
  kill(): Promise<void>;
  /** After `kill`. */
  restart(): Promise<void>;
  /** Stops answering and keeps the connections. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

const credentials = { accessKeyId: "countersign-tests", secretAccessKey: "not-a-secret-of-anybody" };

export async function startS3(program: string): Promise<OwnS3> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-s3-"));
  const [data, versions] = [join(folder, "data"), join(folder, "versions")];
  await Promise.all([data, versions].map((path) => mkdir(path)));
  const port = await freePort();
  const start = (): Promise<RunningProcess> =>
    startProcess({
      name: "versitygw",
      command: program,
      args: ["--port", `127.0.0.1:${port}`, "posix", "--versioning-dir", versions, data],
      env: { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
      logFile: join(folder, "server.log"),
      ready: () => listens(port),
    });
  let server = await start();
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new S3({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  return {
    endpoint,
    env: {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: "true",
    },
    client,
    async createBucket(name, { lock } = { lock: true }) {
      await client.createBucket({ Bucket: name, ObjectLockEnabledForBucket: lock });
    },
    async kill() {
      server.signal("SIGKILL");
      await server.ended;
    },
    async restart() {
      await server.stop();
      server = await start();
    },
    pause: () => server.signal("SIGSTOP"),
    resume: () => server.signal("SIGCONT"),
    async stop() {
      client.destroy();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
