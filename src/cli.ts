#!/usr/bin/env node
import { keepHeapAtRest } from "./heap_at_rest.js";

// Before the program is read, since a full collection comes while it is, behind which V8 would set its reducer going.
keepHeapAtRest();
const { main } = await import("./cli/main.js");

// A reader that has gone, such as `head`, changes nothing about what a command found.
process.stdout.on("error", () => {});
process.exitCode = await main(process.argv.slice(2));
