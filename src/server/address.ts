import { readFile } from "node:fs/promises";
import type { Config, GrpcPlace } from "../config/schema.js";
import type { Listen } from "../grpc/listen.js";

/** Where Envoy asks the worker of this number, from 1. */
export function grpcPlace({ listen }: Pick<Config, "listen">, worker: number): GrpcPlace {
  const place = Array.isArray(listen.grpc) ? listen.grpc[worker - 1] : listen.grpc;
  if (place === undefined) throw new Error(`listen.grpc has no address for worker ${worker}`);
  return place;
}

/** A place of the configuration as the gRPC server takes it; reads certificates. */
export async function grpcListen(grpc: GrpcPlace): Promise<Listen> {
  if (typeof grpc !== "string") {
    const { cert_file, key_file, client_ca_file } = grpc.tls;
    const [cert, key, clientCa] = await Promise.all([
      readFile(cert_file),
      readFile(key_file),
      readFile(client_ca_file),
    ]);
    return { kind: "tcp", ...splitAddress(grpc.address), tls: { cert, key, clientCa } };
  }
  if (grpc.startsWith("unix:")) return { kind: "unix", path: grpc.slice("unix:".length) };
  return { kind: "tcp", ...splitAddress(grpc) };
}

/** `host:port`, where an IPv6 host stands in brackets. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}

/** Base URL of a listening address. */
export function httpUrl({ host, port }: { host: string; port: number }): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
