import type { FastifyInstance } from "fastify";
import type { PublishedBundle } from "../bundle/published.js";

/** `/bundles/countersign.tar.gz`: the policies in force as an OPA bundle. Its `etag` is their version. */
export function bundleRoutes(app: FastifyInstance, bundle: () => Promise<PublishedBundle>): void {
  app.get("/bundles/countersign.tar.gz", async (request, reply) => {
    const { revision, bytes } = await bundle();
    const etag = `"${revision}"`;
    reply.header("etag", etag);
    if (namesTag(request.headers["if-none-match"], etag)) return reply.code(304).send();
    return reply.type("application/gzip").send(bytes);
  });
}

/** RFC 9110 section 13.1.2: weak and strong tags count as the same here. */
function namesTag(header: string | undefined, etag: string): boolean {
  const tags = header?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.includes(etag) || tags.includes("*");
}
