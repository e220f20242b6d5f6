import { csvLine } from "../../src/cli/table.js";

test.each([
  "=1+1",
  "+1+1",
  "-2+3",
  "@SUM(A1)",
  "\t=1",
  "\r\n=1",
  "\u00a0=1",
  "\uff1d1+1",
  '=HYPERLINK("https://x")',
  "-1e5+A1",
])("what an agent wrote is no formula in a spreadsheet: %j", (cell) => {
  expect(csvLine([cell])).toBe(`"'${cell.replaceAll('"', '""')}"`);
});

test.each(["", "text", "a=b", "-5", "-0.25", "-1e-7", "12"])("anything else is as it is: %j", (cell) => {
  expect(csvLine(["x", cell])).toBe(`"x","${cell}"`);
});
