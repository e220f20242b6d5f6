import type { StorePlace } from "./store.js";

/** Where one worker listens for Envoy, as the configuration says it. */
type GrpcPlace = string | { address: string };

interface Workers {
  workers: number;
  store: StorePlace;
  listen: { grpc: GrpcPlace | GrpcPlace[] };
}

/** What several workers need and the configuration does not say. */
export function workersMistakes({ workers, store, listen }: Workers): { path: (string | number)[]; message: string }[] {
  const places = Array.isArray(listen.grpc) ? listen.grpc : [listen.grpc];
  const mistakes: { path: (string | number)[]; message: string }[] = [];
  if (workers > 1 && store === "memory:") {
    const message = "several workers count together: set `store` to a Redis, since `memory:` is one process's own";
    mistakes.push({ path: ["workers"], message });
  }
  const isList = Array.isArray(listen.grpc);
  if (places.length !== workers) {
    const message = `write in listen.grpc a list of ${workers} addresses, one for each worker: Envoy's few connections would not spread over them otherwise`;
    if (workers > 1) mistakes.push({ path: isList ? ["listen", "grpc"] : ["workers"], message });
    else mistakes.push({ path: ["listen", "grpc"], message: "a list is for several `workers`, one address for each" });
  }
  if (workers === 1) return mistakes;
  places.forEach((place, i) => {
    const at = addressOf(place);
    const path = ["listen", "grpc", i];
    if (/:0$/.test(at) && !at.startsWith("unix:")) {
      mistakes.push({ path, message: "port 0 would be the same free port for each worker: name the ports" });
    } else if (places.findIndex((other) => addressOf(other) === at) < i) {
      mistakes.push({ path, message: "another worker has this address" });
    }
  });
  return mistakes;
}

function addressOf(place: GrpcPlace): string {
  return typeof place === "string" ? place : place.address;
}
