import { openBucketClient } from "../../src/archive/client.js";
import { BucketUnfit } from "../../src/archive/failure.js";
import { probeBucket } from "../../src/archive/probe.js";
import { systemRuntime } from "../../src/runtime.js";
import { describeWith } from "../harness/parts.js";
import { freePort } from "../harness/process.js";
import { type Changes, changedS3 } from "./changed_s3.js";
import { findS3, freshBucket, oneS3 } from "./fixture.js";

const part = await findS3();
const noLock = "<Error><Code>NoSuchObjectLockConfiguration</Code><Message>none</Message></Error>";

function probe(bucket: Parameters<typeof probeBucket>[0]): Promise<unknown> {
  const { now, id } = systemRuntime;
  return probeBucket(bucket, { id: id(), now, signal: AbortSignal.timeout(60_000) }).then(
    () => null,
    (error: unknown) => error,
  );
}

describeWith(part, "the probe of a bucket", (use) => {
  const s3 = oneS3(use);

  test("passes a bucket that keeps what is put into it", async () => {
    const bucket = await freshBucket(s3());
    expect(await probe(bucket)).toBeNull();
    const { Versions } = await bucket.s3.listObjectVersions({ Bucket: bucket.place.bucket });
    expect(Versions?.map(({ Key }) => Key)).toEqual([expect.stringMatching(/^audit\/test\/probe\/[0-9A-Z]{26}$/)]);
  });

  test("refuses a bucket without Object Lock and says how to mend it", async () => {
    const error = await probe(await freshBucket(s3(), { lock: false }));
    expect(error).toBeInstanceOf(BucketUnfit);
    expect((error as Error).message).toMatch(
      /^audit\.s3: the bucket bucket-\S+ has no Object Lock.*: create a bucket with/,
    );
  });

  test("refuses a bucket that is not there, and credentials that do not fit", async () => {
    const place = { bucket: "no-such-bucket", prefix: "", region: "us-east-1", endpoint: s3().endpoint };
    expect(await probe(await openBucketClient(place))).toMatchObject({
      name: "BucketUnfit",
      message: expect.stringContaining("create the bucket with Object Lock, or correct audit.s3.bucket"),
    });
    process.env.AWS_SECRET_ACCESS_KEY = "another";
    const wrong = await openBucketClient(place);
    expect(await probe(wrong)).toMatchObject({
      name: "BucketUnfit",
      message: expect.stringContaining("check the credentials of the process"),
    });
    Object.assign(process.env, s3().env);
  });

  test.each<[string, Changes, string]>([
    [
      "lets a locked object be deleted",
      { answer: ({ method }) => (method === "DELETE" ? { status: 204, body: "" } : null) },
      "be deleted although it was locked: use a server that enforces Object Lock",
    ],
    ["forgets the checksum", { drops: ["x-amz-checksum-sha256"] }, "does not keep the SHA-256 checksum"],
    [
      "forgets the lock",
      {
        drops: ["x-amz-object-lock-mode"],
        answer: ({ url }) => (url.includes("retention") ? { status: 404, body: noLock } : null),
      },
      "does not lock an object as it was asked to",
    ],
    ["gives no versions", { drops: ["x-amz-version-id"] }, "gives an object no version"],
  ])("refuses a server that %s", async (_, changes, message) => {
    const changed = await changedS3(s3().endpoint, changes);
    const bucket = await freshBucket(s3(), { endpoint: changed.endpoint });
    expect(await probe(bucket)).toMatchObject({ name: "BucketUnfit", message: expect.stringContaining(message) });
    await changed.close();
  });

  test("knows nothing of a server that cannot be asked or is overloaded", async () => {
    const place = { bucket: "audit", prefix: "", region: "us-east-1" };
    const nowhere = await openBucketClient({ ...place, endpoint: `http://127.0.0.1:${await freePort()}` });
    expect(await probe(nowhere)).not.toBeInstanceOf(BucketUnfit);
    const body = "<Error><Code>SlowDown</Code><Message>slow down</Message></Error>";
    const overloaded = await changedS3(s3().endpoint, { answer: () => ({ status: 503, body }) });
    const error = await probe(await openBucketClient({ ...place, endpoint: overloaded.endpoint }));
    expect(error).not.toBeInstanceOf(BucketUnfit);
    expect(error).toMatchObject({ name: "SlowDown" });
    await overloaded.close();
  });
});
