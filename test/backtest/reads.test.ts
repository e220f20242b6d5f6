import { isHidden, type Place } from "../../src/backtest/place.js";
import { readsOfCondition } from "../../src/backtest/reads.js";
import { compileCondition } from "../../src/policies/condition/compile.js";

const input = {
  params: {
    pin: "[secret]",
    spec: { token: "[secret]", size: 3 },
    mail: { "[email]": 1, subject: "x" },
    list: ["[token]"],
  },
};

test.each<[string, boolean]>([
  ["params.pin == 1", true],
  ["1 == params.pin", true],
  ["params.pin.digits == 1", true],
  ["params.spec == params.spec", true],
  ["params.spec.size == 3", false],
  ["params.spec.other == 3", false],
  ["params.list == []", true],
  ['"a" in params.list', true],
  ["size(params.list) == 1", false],
  ["size(params.spec) == 2", false],
  ["size(params.pin) == 4", true],
  ["size(params.mail) == 2", true],
  ["has(params.pin)", false],
  ["has(params.pin.digits)", true],
  ["has(params.spec.token)", false],
  ["has(params.mail.subject)", false],
  ["has(params.mail.body)", true],
  ['params.mail["a@b.c"] == 1', true],
  ["params.mail.subject == 'x'", false],
  ["params.nothing", false],
  ['env == "staging"', false],
])("of %s something is masked: %s", (condition, hidden) => {
  const { places } = readsOfCondition(compileCondition(condition));
  expect(places.some((place: Place) => isHidden(input, place))).toBe(hidden);
});
