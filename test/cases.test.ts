import { readCaseFiles } from "./cases/format.js";
import { runCase } from "./cases/run.js";

for (const { file, description, cases } of readCaseFiles()) {
  describe(`${file}: ${description}`, () => {
    test.each(cases.map((each) => [each.description, each] as const))("%s", (_, each) => runCase(each));
  });
}
