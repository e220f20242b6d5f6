import { evaluate } from "../../src/evaluate/index.js";
import { read } from "../../src/read/index.js";
import { settle } from "../../src/settle/index.js";
import { deploy, files } from "./calls.js";
import { startWorld, type World } from "./world.js";

let world: World;
afterEach(() => world.close());

test("calls that come together are evaluated one after the other, and settled when all are", async () => {
  const order: string[] = [];
  world = await startWorld(files, {
    stages: {
      read: (...args) => {
        order.push("read");
        return read(...args);
      },
      evaluate: (...args) => {
        order.push("evaluate");
        return evaluate(...args);
      },
      settle: (...args) => {
        order.push("settle");
        return settle(...args);
      },
    },
  });
  const refused = deploy("bot", { path: "/v1/none" });
  const told = await Promise.all([deploy("bot"), refused, deploy("bot")].map((request) => world.ask(request)));
  expect(told.map(({ ok }) => ok !== null)).toEqual([true, false, true]);
  expect(order.join(" ")).toBe("read read read evaluate evaluate evaluate settle settle settle");
});
