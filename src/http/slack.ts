import type { FastifyInstance, FastifyRequest } from "fastify";
import type { SlackInteractions } from "../notify/slack_interactions.js";
import type { SlackSignature } from "../notify/slack_signature.js";
import { headersOf } from "./authenticate.js";
import { HttpProblem } from "./problem.js";

const formType = "application/x-www-form-urlencoded";
/** Slack sends the whole message along, which may be long. */
const bodyLimit = 262_144;

export interface SlackRouteDeps {
  /** `null` when Slack is not configured. */
  slack: SlackInteractions | null;
}

/**
 * `POST /v1/integrations/slack/interactions`: somebody clicked on a button. In a scope of its own, since Slack signs the
 * bytes. Nobody is told which check failed.
 */
export function slackRoutes(app: FastifyInstance, { slack }: SlackRouteDeps): void {
  app.addHook("onClose", async () => slack?.idle());

  app.register(async (scope) => {
    const signatures = new WeakMap<FastifyRequest, SlackSignature>();
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(formType, { parseAs: "buffer" }, async (_request: unknown, body: Buffer) => body);
    scope.setErrorHandler((error) => {
      throw ofBody(error) ?? error;
    });

    // Before the body is read, which only who can sign may make a long one.
    scope.addHook("onRequest", async (request) => {
      if (!slack) throw new HttpProblem(404, "not_found", "answers by Slack are not configured");
      const signature = slack.signature(headersOf(request.raw.rawHeaders));
      if (!signature) throw notSlack();
      signatures.set(request, signature);
    });

    scope.post("/v1/integrations/slack/interactions", { bodyLimit }, async (request, reply) => {
      const signature = signatures.get(request);
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      if (!slack || !signature || !(await slack.isNew(signature, body))) throw notSlack();
      const taken = await slack.take(body);
      if (taken === "malformed") throw new HttpProblem(400, "malformed_body", "this is no click on a button of ours");
      if (taken === "foreign") throw new HttpProblem(403, "access_denied", "answers from this workspace are refused");
      return reply.send();
    });
  });
}

function notSlack(): HttpProblem {
  return new HttpProblem(401, "invalid_signature", "the request is not signed, or not for the first time");
}

/** Limits of this scope in place of those of the others. */
function ofBody(error: unknown): HttpProblem | null {
  const code = error instanceof Error && "code" in error ? error.code : "";
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return new HttpProblem(413, "body_too_large", "the body is too large");
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE")
    return new HttpProblem(415, "unsupported_content_type", `the body must be ${formType}`);
  return null;
}
