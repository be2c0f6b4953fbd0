import type { Engagement } from "./link-role.ts";

/** Why a neighbour is served. */
export type ServeCause = "heal" | "update";

/** Why a neighbour has to wait. */
export type WaitReason = "fan-out" | "heal" | "soak" | "suspect";

/**
 * Whether a neighbour may be served now. `fan-out`: as many updates as allowed run; `heal`: boards that do not boot go first; `soak`:
 * as many as allowed were handed out in the last soak time; `suspect`: the image failed on another board.
 */
export type Admission = { readonly tag: "now" } | { readonly tag: "wait"; readonly why: WaitReason };

const NOW: Admission = { tag: "now" };

/**
 * Who is served next: boards that do not boot at once, each over its own link; updates one after another, `fanOut` of them
 * at a time, and none while a board that does not boot is served. `others`: what happens on the other links.
 * `isOverwriting`: the own board's only image is about to be overwritten; nobody else overwrites his from it then.
 */
export function admit(
  cause: ServeCause,
  others: readonly Engagement[],
  fanOut: number,
  isOverwriting = false,
): Admission {
  if (cause === "heal") return NOW;
  if (others.includes("heal")) return { tag: "wait", why: "heal" };
  const updates = others.filter((engagement) => engagement === "update").length;
  return updates < fanOut && !isOverwriting ? NOW : { tag: "wait", why: "fan-out" };
}
