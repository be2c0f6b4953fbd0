import type { Millis } from "../../src/base/units.ts";
import type { PureSplitter } from "../../src/wire/run-splitter.ts";

/** Lets time pass up to `end` for a splitter whose owner handles each timeout when it is due, never late. */
export function watchLineUntil(splitter: PureSplitter, end: Millis): void {
  for (;;) {
    const due = splitter.pollTimeout();
    if (due === undefined || due > end) return;
    splitter.handleTimeout(due);
  }
}
