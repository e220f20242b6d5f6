import type { Server, ServerWritableStream } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { authorizationService } from "./load_protos.js";

/** grpc.health.v1.Health for the server as a whole (`""`) and for the authorization service. */
export class Health {
  private readonly implementation = new HealthImplementation({
    "": "NOT_SERVING",
    [authorizationService]: "NOT_SERVING",
  });
  private readonly watches = new Set<ServerWritableStream<unknown, unknown>>();

  set(serving: boolean): void {
    for (const service of ["", authorizationService]) {
      this.implementation.setStatus(service, serving ? "SERVING" : "NOT_SERVING");
    }
  }

  addTo(server: Server): void {
    this.implementation.addToServer({
      addService: (definition, handlers) => {
        const watch = handlers.watch as (call: ServerWritableStream<unknown, unknown>) => void;
        server.addService(definition, {
          ...handlers,
          watch: (call: ServerWritableStream<unknown, unknown>) => {
            this.watches.add(call);
            call.once("cancelled", () => this.watches.delete(call));
            watch(call);
          },
        });
      },
    });
  }

  /** Ends every Watch call. They never end by themselves, and would keep a server that is stopping from closing. */
  endWatches(): void {
    for (const call of this.watches) call.end();
    this.watches.clear();
  }
}
