import { isSameOrder, leastOrder, slotRecord } from "../flash/record/record-state.ts";
import type { BoardParts } from "./board-parts.ts";
import type { BootOutcome } from "./boot.ts";

/**
 * Before a slot is given up for another image: notes the order of the confirmed image in it that boots, for what is
 * offered if the image that is received now never gets complete (PROTOCOL.md 13.5).
 */
export function noteGivenUp({ record, flash }: BoardParts, boot: BootOutcome): void {
  if (flash.map.layout !== "single") return;
  let order = leastOrder(record.state);
  if (boot.tag === "boot" && slotRecord(record.state, boot.slot)?.isConfirmed === true) {
    const { sequence, version } = boot.image.manifest;
    order = { sequence, version };
  }
  // What was noted before a cut, and did not come to pass, is forgotten.
  if (!isSameOrder(order, record.state.givenUp)) record.append({ tag: "order", order });
}
