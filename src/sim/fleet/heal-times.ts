import { assert } from "../../base/assert.ts";
import type { Millis } from "../../base/units.ts";
import { runScenario } from "../many/scenario.ts";

/** Boards of a site that report, beside the one that has the firmware and the network. */
export const SITE_BOARDS = 8;
const KINDS = ["star", "line", "tree"] as const;

/** Size and line of a heal. */
export const HEAL_SCENARIO = { size: 65_536, baud: 115_200, loss: 0.02 } as const;

/**
 * When the boards of a site are healed after power-on, measured: one list of {@link SITE_BOARDS} times for each of `worlds` runs of
 * the simulator of many boards, in which all boards but the first are broken. Stars, lines and trees take turns.
 */
export async function measureHealTimes(
  seed: number,
  worlds: number,
): Promise<readonly (readonly Millis[])[]> {
  const all: Millis[][] = [];
  for (let i = 0; i < worlds; i++) {
    const topology = KINDS[i % KINDS.length] ?? "line";
    const { story, isWell } = await runScenario({
      ...HEAL_SCENARIO,
      topology,
      nodes: SITE_BOARDS + 1,
      seed: seed + i,
      update: false,
      faults: false,
      layout: "ab",
    });
    assert(isWell, `world ${seed + i} of ${topology} is healed`);
    const last = new Map(story.spreads.map(({ board, at }) => [board, at]));
    assert(last.size === SITE_BOARDS, `${last.size} boards were healed`);
    all.push([...last.values()]);
  }
  return all;
}
