import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credentials, status } from "@grpc/grpc-js";
import type { Transport } from "../../src/grpc/listen.js";
import { allow, certificateAuthority, check, cleanUp, client, start, temporaryFolder } from "./harness.js";

afterEach(cleanUp);

/** Starts a server whose check notes the transport. */
async function startNoting(listen: Parameters<typeof start>[0] = {}) {
  const seen: Transport[] = [];
  const started = await start({
    ...listen,
    check: async (_, context) => {
      seen.push(context.transport);
      return allow;
    },
  });
  return { ...started, seen };
}

describe("TCP without TLS", () => {
  test.each(["127.0.0.1", "127.8.9.10", "localhost"])("%s is loopback", async (host) => {
    const { server, seen } = await startNoting({ listen: { kind: "tcp", host, port: 0 } });
    expect(server.address).toMatch(/^(127\.\d+\.\d+\.\d+|\[::1\]):[1-9]\d*$/);
    expect((await check(client(server), {})).error).toBeNull();
    expect(seen).toEqual(["loopback"]);
  });

  test.each(["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1", "8.8.8.8", "128.0.0.1", "126.255.255.255", "0"])(
    "%s is refused before anything is bound",
    async (host) => {
      await expect(start({ listen: { kind: "tcp", host, port: 0 } })).rejects.toThrow(
        `gRPC without TLS may listen on loopback or a Unix socket only, and ${host} is neither`,
      );
    },
  );

  test("a missing host is refused", async () => {
    await expect(start({ listen: { kind: "tcp", host: "", port: 0 } })).rejects.toThrow("names no host");
  });

  test("a taken port is an error that names the address", async () => {
    const { server } = await start();
    const port = Number(server.address.split(":")[1]);
    await expect(start({ listen: { kind: "tcp", host: "127.0.0.1", port } })).rejects.toThrow(
      `the gRPC server cannot listen on 127.0.0.1:${port}`,
    );
  });
});

describe("Unix socket", () => {
  test("serves, is closed to others, and is gone after the drain", async () => {
    const path = join(temporaryFolder(), "s.sock");
    const before = process.umask();
    const { server, seen } = await startNoting({ listen: { kind: "unix", path } });
    expect(process.umask()).toBe(before);
    expect(server.address).toBe(`unix:${path}`);
    expect(lstatSync(path).mode & 0o777).toBe(0o660);
    expect((await check(client(server), {})).error).toBeNull();
    expect(seen).toEqual(["unix"]);
    await server.drain(1_000);
    expect(existsSync(path)).toBe(false);
  });

  test("the file that a killed server left is replaced", async () => {
    const path = join(temporaryFolder(), "s.sock");
    const program = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("ready"))`;
    const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(lstatSync(path).isSocket()).toBe(true);
    const { server } = await start({ listen: { kind: "unix", path } });
    expect((await check(client(server), {})).error).toBeNull();
  });

  test("the socket of a living server is left to it", async () => {
    const path = join(temporaryFolder(), "s.sock");
    const { server } = await start({ listen: { kind: "unix", path } });
    await expect(start({ listen: { kind: "unix", path } })).rejects.toThrow(`another process is listening on ${path}`);
    expect((await check(client(server), {})).error).toBeNull();
  });

  test("nothing but a socket is removed", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "file");
    const link = join(folder, "link");
    writeFileSync(file, "precious");
    symlinkSync(file, link);
    for (const path of [file, link, folder]) {
      await expect(start({ listen: { kind: "unix", path } })).rejects.toThrow(`${path} exists and is not a socket`);
    }
    expect(readFileSync(link, "utf8")).toBe("precious");
  });

  test("a path that the system would cut is refused", async () => {
    const path = join(temporaryFolder(), "x".repeat(107));
    await expect(start({ listen: { kind: "unix", path } })).rejects.toThrow("longer than 107 bytes");
  });

  test("a folder that does not exist is an error", async () => {
    const path = join(temporaryFolder(), "none", "s.sock");
    await expect(start({ listen: { kind: "unix", path } })).rejects.toThrow("cannot listen on unix:");
  });
});

describe("mutual TLS", () => {
  test("serves who shows a certificate of the client CA, and nobody else", async () => {
    const authority = await certificateAuthority();
    const stranger = await certificateAuthority();
    const tls = { ...(await authority.issue("server")), clientCa: authority.ca };
    // Beyond loopback is fine with TLS, so every address is taken and loopback is called.
    const { server, seen } = await startNoting({ listen: { kind: "tcp", host: "0.0.0.0", port: 0, tls } });
    expect(server.address).toMatch(/^0\.0\.0\.0:[1-9]\d*$/);
    const local = { ...server, address: server.address.replace("0.0.0.0", "127.0.0.1") };

    const known = await authority.issue("envoy");
    const good = await check(client(local, credentials.createSsl(authority.ca, known.key, known.cert)), {});
    expect(good).toEqual({ error: null, response: expect.objectContaining({ http_response: "ok_response" }) });
    expect(seen).toEqual(["mtls"]);

    const foreign = await stranger.issue("envoy");
    const refused = [
      credentials.createSsl(authority.ca),
      credentials.createSsl(authority.ca, foreign.key, foreign.cert),
      credentials.createInsecure(),
    ];
    for (const credential of refused) {
      expect((await check(client(local, credential), {})).error?.code).toBe(status.UNAVAILABLE);
    }
    expect(seen).toEqual(["mtls"]);
    const again = await check(client(local, credentials.createSsl(authority.ca, known.key, known.cert)), {});
    expect(again.error).toBeNull();
  });

  test.each(["cert", "clientCa"] as const)("an empty or broken %s is refused at start", async (field) => {
    const authority = await certificateAuthority();
    const tls = { ...(await authority.issue("server")), clientCa: authority.ca };
    for (const pem of ["", "not a certificate"]) {
      const listen = { kind: "tcp", host: "127.0.0.1", port: 0, tls: { ...tls, [field]: Buffer.from(pem) } } as const;
      await expect(start({ listen })).rejects.toThrow("is not a PEM certificate");
    }
  });

  test("a key that is not the certificate's is refused at start", async () => {
    const authority = await certificateAuthority();
    const tls = {
      ...(await authority.issue("server")),
      key: (await authority.issue("other")).key,
      clientCa: authority.ca,
    };
    await expect(start({ listen: { kind: "tcp", host: "127.0.0.1", port: 0, tls } })).rejects.toThrow("cannot listen");
  });
});
