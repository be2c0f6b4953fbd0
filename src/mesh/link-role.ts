import type { OwnBoard } from "./own-board.ts";

/**
 * What a node does on a link. `idle`: watches, says its status, and serves who calls. `call`: asks for help. `ask`: asks the
 * neighbour for something newer.
 */
export type LinkRole = "idle" | "call" | "ask";

/**
 * What happens on a link: nothing; the own board is served (`target`); a neighbour is served, or about to be, since it
 * does not boot (`heal`) or wants something newer (`update`).
 */
export type Engagement = "none" | "target" | "heal" | "update";

/**
 * The role table: what a node wants to be on a link (PROTOCOL.md 6.6). `askLink`: where it asks for something newer.
 * `isReceivedElsewhere`: an image comes over another link, whose manifest the board accepted.
 */
export function roleFor(
  board: OwnBoard | undefined,
  link: number,
  askLink: number | undefined,
  isReceivedElsewhere = false,
): LinkRole {
  // Without a board there is nothing to call for.
  if (board === undefined) return "idle";
  // Not bootable: it calls on all links, and hands on what it receives. A board that overwrites its only image does not boot either.
  if (board.status.failure !== undefined) return isReceivedElsewhere ? "idle" : "call";
  return askLink === link ? "ask" : "idle";
}
