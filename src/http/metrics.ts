import type { FastifyInstance } from "fastify";

/** Metrics in the text format that `contentType` names. */
export interface MetricsSource {
  contentType: string;
  text(): Promise<string>;
}

export function metricsRoutes(app: FastifyInstance, metrics: MetricsSource): void {
  app.get("/metrics", async (_request, reply) => {
    const text = await metrics.text();
    return reply.type(metrics.contentType).send(text);
  });
}
