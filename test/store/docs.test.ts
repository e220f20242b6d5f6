import { readFileSync } from "node:fs";
import { join } from "node:path";
import { keysUnder } from "../../src/store/redis/keys.js";
import { repository } from "../harness/programs.js";

const page = readFileSync(join(repository, "docs/store.md"), "utf8");

test("the page names every key, and no other", () => {
  const { registry, ...others } = keysUnder("countersign:");
  const parts = ["state", "changes", "agents", "flags", "revoked"] as const;
  const names = [
    ...Object.values(others).map((key) => (typeof key === "string" ? key : key("agent", "id"))),
    ...parts.map((part) => registry(part)),
  ];
  const rows = [...page.matchAll(/^\| (`countersign:.*?`(?:, `.*?`)*) \|/gm)].flatMap(([, cell = ""]) => {
    const [first = "", ...more] = [...cell.matchAll(/`(.*?)`/g)].map(([, name = ""]) => name);
    return [first, ...more.map((name) => name.replace("...", first.replace(/:[^:]*$/, "")))];
  });
  const plain = (name: string) => name.replace(/<.*?>|[0-9a-f]{64}/, "id").replace(/:agent$/, ":id");
  expect(rows.map(plain).sort()).toEqual(names.map(plain).sort());
});
