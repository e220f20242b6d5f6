import { readFileSync } from "node:fs";
import { join } from "node:path";
import { columns } from "../../src/audit_query/columns.js";
import { equalities } from "../../src/audit_query/filter.js";
import { Search, wantedBy } from "../../src/audit_query/search.js";
import { runSql } from "../../src/audit_query/sql.js";
import { scratch } from "../audit/samples.js";
import { repository } from "../harness/programs.js";
import { decision, writeChain, writers } from "./chains.js";

const page = readFileSync(join(repository, "docs/audit-query.md"), "utf8");
const dir = scratch();

test("every example of SQL runs", async () => {
  await writeChain(dir.path(), writers[0], [decision()]);
  const examples = (/```sql\n(.*?)```/s.exec(page)?.[1] ?? "").trim().split("\n");
  expect(examples).toHaveLength(3);
  for (const statement of examples) {
    const search = await Search.in([dir.path()], wantedBy({}));
    expect((await runSql(search, statement)).columns.length).toBeGreaterThan(1);
  }
});

test("the page has every filter and every column, as they are", () => {
  for (const name of equalities) expect(page).toContain(name);
  for (const { name, type, says } of columns) expect(page).toContain(`| \`${name}\` | ${type} | ${says} |`);
});
