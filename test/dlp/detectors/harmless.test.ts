import { detectors } from "../../../src/dlp/detectors.js";
import { harmless, mark } from "./marked.js";

const data = [...detectors].filter(([, { kind }]) => kind === "data");

test.each(data)("%s finds nothing in what only looks like it", (_, { find }) => {
  expect(harmless.map((text) => mark(find, text))).toEqual(harmless);
});
