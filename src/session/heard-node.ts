import type { Beacon } from "../wire/messages.ts";

/** What a node that was heard showed itself to be. `board`: one that boots. */
export type HeardNode = "offering" | "rescuer" | "board-in-distress" | "board";

/** What a beacon shows its sender to be. */
export function heardFrom(beacon: Beacon): HeardNode {
  if (beacon.isProvider) return "rescuer";
  return beacon.tag === "distress" ? "board-in-distress" : "board";
}
