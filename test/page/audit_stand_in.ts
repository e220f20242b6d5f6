import type { Page, Route } from "playwright-core";
import { routeAccess } from "../../src/http/access.js";
import { auditRecords } from "../harness/records.js";

/**
 * Stands in for `GET /v1/audit` and its companions where the server has none yet, with the records that it really wrote.
 * Delete this file, and the one call of it, when it has.
 */
export async function serveAudit(page: Page, audit: string): Promise<void> {
  if (Object.hasOwn(routeAccess, "GET /v1/audit")) return;
  await page.route(/\/v1\/audit/, async (route) => {
    // The server is asked first: who may not see anything, or reach it, is not shown records here either.
    const url = new URL(route.request().url());
    const reached = await page.request.get(`${url.origin}/v1/approvals`).catch(() => null);
    if (reached === null) return route.abort("connectionrefused");
    if (!reached.ok())
      return route.fulfill({ status: reached.status(), json: { reason: "access_denied", detail: "" } });
    return answer(route, url, audit);
  });
}

async function answer(route: Route, { pathname, searchParams }: URL, audit: string): Promise<void> {
  const all = (await auditRecords(audit)).reverse();
  if (pathname === "/v1/audit/scopes") return route.fulfill({ json: scopes(all) });
  if (pathname.startsWith("/v1/audit/deployments/")) {
    const id = decodeURIComponent(pathname.slice("/v1/audit/deployments/".length));
    const of = all.filter(({ deployment_id }) => deployment_id === id);
    if (of.length === 0) return route.fulfill({ status: 404, json: { reason: "not_found", detail: "" } });
    return route.fulfill({ json: deployment(id, of) });
  }
  const { limit = "50", cursor = "0", ...wanted } = Object.fromEntries(searchParams);
  const found = all.filter((record) => Object.entries(wanted).every(([name, value]) => record[name] === value));
  const [from, count] = [Number(cursor), Number(limit)];
  const next = from + count < found.length ? String(from + count) : null;
  return route.fulfill({ json: { records: found.slice(from, from + count), next, unreadable: [] } });
}

type Lines = Awaited<ReturnType<typeof auditRecords>>;

function deployment(deployment_id: string, records: Lines) {
  const questions = [
    "what_was_deployed",
    "who_authorised_it",
    "was_it_within_policy",
    "did_the_agent_behave_normally",
    "did_it_touch_sensitive_data",
  ];
  const proofs = records.map(({ writer, seq, kind, decision_id = null, timestamp }) => ({
    ...{ writer, seq, kind, decision_id, timestamp },
    sha256: "00",
  }));
  const answers = questions.map((question, i) => ({
    question,
    status: ["yes", "no", "unknown"][i % 3],
    summary: `${records.length} records tell of it \u202e<i>`,
    details: { calls: records.length, tools: ["shell"] },
    records: proofs,
  }));
  return { deployment_id, verified: false, signatures: "hold", answers };
}

function scopes(records: Lines) {
  const agents = [...new Set(records.flatMap(({ agent_id }) => (typeof agent_id === "string" ? [agent_id] : [])))];
  return {
    from: records.at(-1)?.timestamp ?? null,
    to: records[0]?.timestamp ?? null,
    agents: agents.map((agent_id) => ({
      agent_id,
      registered: true,
      granted: ["shell:*"],
      used: [{ scope: "shell:run", count: 2, last: records[0]?.timestamp }],
      unused: [],
      narrower: ["shell:run"],
      exceeded: [{ scope: "shell:format", count: 1 }],
    })),
  };
}
