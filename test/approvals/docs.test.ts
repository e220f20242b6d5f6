import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { approvalErrors } from "../../src/approvals/error.js";
import { pageErrors } from "../../src/page/error.js";
import { type RefusalReason, refusalOf } from "../../src/reasons.js";
import { repository } from "../harness/programs.js";

const page = readFileSync(join(repository, "docs/approvals.md"), "utf8");
const routes = join(repository, "src/http");

/** What routes refuse by themselves, as it stands in their sources: `<status> <reason>`. */
const byRoutes = readdirSync(routes).flatMap((name) =>
  [...readFileSync(join(routes, name), "utf8").matchAll(/HttpProblem\(\s*(\d+),\s*"(\w+)"/g)].map(
    ([, status = "", reason = ""]) => ({ status: Number(status), reason }),
  ),
);

/** Of the errors of others, those that somebody meets who answers. */
const others = ["malformed_parameter", "access_denied", "csrf_token", "foreign_origin"];
const refusals: RefusalReason[] = ["malformed_body", "store_unavailable", "audit_unavailable"];

test("the table of the HTTP API has every error of an answer, with its status, and no other", () => {
  const wanted = [
    ...rowsOf(approvalErrors),
    ...others.map((reason) => ofRoutes(reason)),
    ...refusals.map((reason) => row(refusalOf(reason).status, reason)),
  ];
  expect(told("## HTTP API")).toEqual(wanted.sort());
});

test("the table of signing in has every error of the page, with its status, and no other", () => {
  expect(told("### Signing in")).toEqual([...rowsOf(pageErrors), ofRoutes("too_many_sign_ins")].sort());
});

function rowsOf(errors: Readonly<Record<string, { status: number }>>): string[] {
  return Object.entries(errors).map(([reason, { status }]) => row(status, reason));
}

function ofRoutes(reason: string): string {
  const statuses = new Set(byRoutes.filter((one) => one.reason === reason).map(({ status }) => status));
  return row([...statuses].join(), reason);
}

/** The rows of a section's table of errors, one for each reason. */
function told(heading: string): string[] {
  const [, after = ""] = page.split(`\n${heading}\n`);
  const [section = ""] = after.split(/^##/m);
  const table = section.split("\n\n").find((part) => part.startsWith("| status | reason |")) ?? "";
  return [...table.matchAll(/^\| (\d+) \| (.*?) \|/gm)]
    .flatMap(([, status = "", reasons = ""]) => {
      return [...reasons.matchAll(/`(\w+)`/g)].map(([, reason = ""]) => row(status, reason));
    })
    .sort();
}

function row(status: number | string, reason: string): string {
  return `${status} ${reason}`;
}
