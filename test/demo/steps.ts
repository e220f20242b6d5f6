import type { Answer } from "../harness/http.js";
import type { CallRequest, Stack } from "../harness/stack.js";

/** One call of the tour and what has to come of it. */
export interface Step {
  title: string;
  /** Makes the call, with whatever has to happen before it. */
  run: (stack: Stack) => Promise<Answer>;
  status: number;
  /** `reason` of the error payload; absent when the call passes. */
  reason?: string;
  /** Further condition; says what is wrong, or nothing. */
  check?: (stack: Stack, answer: Answer) => Promise<string | undefined> | string | undefined;
}

const approved = "registry.internal/shop@sha256:7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc";
const unlisted = `registry.internal/shop@sha256:${"0".repeat(64)}`;

/** A deploy of the example service; `replicas` and `image` differ between steps. */
export function deploy(environment: string, more: object = {}): CallRequest {
  const json = { service: "shop", environment, image: approved, replicas: 3, ...more };
  return { host: "deploy.internal", path: "/v1/deploy", json };
}

/** One deployment, told over several calls: refused, tried in shadow, approved, and done. */
export const release = { deployment_id: "release-42" };

const transfer: CallRequest = { host: "payments.internal", path: "/v1/transfers", json: { amount: 120, to: "acme" } };
const poll: CallRequest = { host: "reports.internal", path: "/v1/poll" };

/** Answers the approval that a call asks for. `undefined` when that went as it should. */
async function answered(
  stack: Stack,
  answer: Answer,
  ...decisions: [act: string, body: object][]
): Promise<string | undefined> {
  for (const [act, body] of decisions) {
    const given = await stack.ask(stack.people.approver, `/v1/approvals/${approvalOf(answer)}/${act}`, body);
    if (given.status !== 200) return `the approval was answered with ${given.status}: ${given.body}`;
  }
  return undefined;
}

/** What the agent's own credential gets from the address that it was told. */
async function overrideFor(stack: Stack, answer: Answer): Promise<string> {
  const { status_url: url } = (JSON.parse(answer.body) as { approval: { status_url: string } }).approval;
  if (!url.startsWith(`${stack.api}/`)) throw new Error(`the agent was sent to ${url}`);
  const path = url.slice(stack.api.length);
  const shown = await stack.ask(await stack.token("deploy-manager"), `${path}?wait=5s`);
  return (JSON.parse(shown.body) as { override_token?: string }).override_token ?? "";
}

function approvalOf({ body }: Answer): string {
  return (JSON.parse(body) as { approval: { id: string } }).approval.id;
}

const bringing = (override: string, more: object = release): CallRequest => ({
  ...deploy("production", more),
  headers: { "x-countersign-override": override },
});

/** One approval from the question to its use, one that is denied, and one that is taken back. */
function approvalStory(): Step[] {
  let override = "";
  let revoked = "";
  return [
    {
      title: "deploy to production",
      run: (stack) => stack.call("deploy-manager", deploy("production", release)),
      status: 403,
      reason: "approval_needed",
      check: async (stack, answer) => {
        const path = `/v1/approvals/${approvalOf(answer)}/decision`;
        const own = await stack.ask(await stack.token("deploy-manager"), path, { decision: "approve" });
        if (own.status !== 403) return `the agent could answer for itself: ${own.status}`;
        const wrong = await answered(stack, answer, ["decision", { decision: "approve", comment: "release 42" }]);
        override = await overrideFor(stack, answer);
        return wrong ?? (override === "" ? "no override token came" : undefined);
      },
    },
    {
      title: "one replica more with its token",
      run: (stack) => stack.call("deploy-manager", bringing(override, { replicas: 4 })),
      status: 403,
      // Another call is another question.
      reason: "approval_needed",
    },
    {
      title: "the approved call with its token",
      run: (stack) => stack.call("deploy-manager", bringing(override)),
      status: 200,
      check: (stack) =>
        JSON.stringify(stack.tool.requests.at(-1)?.rawHeaders).includes(override)
          ? "the override token reached the tool"
          : undefined,
    },
    {
      title: "the same token a second time",
      run: (stack) => stack.call("deploy-manager", bringing(override)),
      status: 403,
      reason: "override_used",
    },
    {
      title: "ask for 5 replicas; approved, then revoked",
      run: (stack) => stack.call("deploy-manager", deploy("production", { replicas: 5 })),
      status: 403,
      reason: "approval_needed",
      check: async (stack, answer) => {
        const wrong = await answered(stack, answer, ["decision", { decision: "approve" }]);
        revoked = await overrideFor(stack, answer);
        return wrong ?? (await answered(stack, answer, ["revoke", { comment: "wrong branch" }]));
      },
    },
    {
      title: "bring the token all the same",
      run: (stack) => stack.call("deploy-manager", bringing(revoked, { replicas: 5 })),
      status: 403,
      reason: "override_invalid",
    },
    {
      title: "ask for 6 replicas; people say no",
      run: (stack) => stack.call("deploy-manager", deploy("production", { replicas: 6 })),
      status: 403,
      reason: "approval_needed",
      check: async (stack, answer) => {
        const wrong = await answered(stack, answer, ["decision", { decision: "deny", comment: "not on a Friday" }]);
        return wrong ?? ((await overrideFor(stack, answer)) === "" ? undefined : "a denied call got a token");
      },
    },
  ];
}

/** The tour: a call for each verdict, in an order in which each stands on its own. */
export function tour(): Step[] {
  return [
    { title: "deploy to staging", run: (stack) => stack.call("deploy-manager", deploy("staging")), status: 200 },
    {
      title: "agent in shadow scales to 200",
      run: (stack) => stack.call("release-bot", deploy("staging", { replicas: 200, ...release })),
      status: 200,
    },
    {
      title: "scale to 200 replicas",
      run: (stack) => stack.call("deploy-manager", deploy("staging", { replicas: 200, ...release })),
      status: 403,
      reason: "max_replicas",
    },
    {
      title: "deploy an image nobody listed",
      run: (stack) => stack.call("deploy-manager", deploy("staging", { image: unlisted })),
      status: 403,
      reason: "allowed_images",
    },
    {
      title: "create an IAM role",
      run: (stack) =>
        stack.call("deploy-manager", { host: "aws.internal", path: "/iam", form: "Action=CreateRole&RoleName=x" }),
      status: 403,
      reason: "deny_actions",
    },
    {
      title: "read a report with secrets in header and query",
      run: (stack) =>
        stack.call("reporter", {
          host: "reports.internal",
          path: "/v1/export?month=2026-10&access%5Ftoken=s3cret",
          headers: { "x-debug-token": "s3cret" },
        }),
      status: 200,
      check: async (stack) => {
        const seen = stack.tool.requests.at(-1);
        const text = JSON.stringify([seen?.url, seen?.rawHeaders]);
        if (!text.includes("month=2026-10")) return "the tool did not get the rest of the query";
        return text.includes("s3cret") || text.includes("Bearer") ? "a secret reached the tool" : undefined;
      },
    },
    ...approvalStory(),
    ...[1, 2, 3]
      .map((n) => ({ title: `poll a report (${n} of 3 at once)`, run: (stack: Stack) => stack.call("reporter", poll) }))
      .map((step, index) => (index < 2 ? { ...step, status: 200 } : { ...step, status: 429, reason: "rate_exceeded" })),
    { title: "pay (cost 40 of 100 a day)", run: (stack) => stack.call("payer", transfer), status: 200 },
    { title: "pay again (80 of 100)", run: (stack) => stack.call("payer", transfer), status: 200 },
    { title: "pay once more", run: (stack) => stack.call("payer", transfer), status: 429, reason: "budget_exceeded" },
    {
      title: "call without a token",
      run: (stack) => stack.call(null, deploy("staging")),
      status: 401,
      reason: "credential_missing",
    },
  ];
}

/** Runs one step; `wrong` says what did not come out as it should, or is absent. */
export async function take(stack: Stack, step: Step): Promise<{ answer: Answer; reason: string; wrong?: string }> {
  const answer = await step.run(stack);
  const reason = reasonOf(answer);
  if (answer.status !== step.status) return { answer, reason, wrong: `status ${answer.status}, wanted ${step.status}` };
  if (step.reason !== undefined && reason !== step.reason)
    return { answer, reason, wrong: `wanted reason ${step.reason}` };
  const wrong = await step.check?.(stack, answer);
  return { answer, reason, ...(wrong !== undefined && { wrong }) };
}

function reasonOf({ headers, body }: Answer): string {
  if (!String(headers["content-type"]).startsWith("application/problem+json")) return "";
  return (JSON.parse(body) as { reason: string }).reason;
}
