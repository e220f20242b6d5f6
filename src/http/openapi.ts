import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { packagePath } from "../package_path.js";

/** `/openapi.json`: the description of every route. Throws when it is missing from the package. */
export function openApiRoutes(app: FastifyInstance): void {
  const document = readFileSync(packagePath("docs/openapi.json"));
  app.get("/openapi.json", async (_request, reply) => {
    // As bytes, or fastify would add a charset, which this media type does not have.
    return reply.type("application/json").send(document);
  });
}
