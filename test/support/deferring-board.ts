import type { Millis } from "../../src/base/units.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import type { VirtualRescue, VirtualRescueOptions } from "./virtual-rescue.ts";

/** Events of a target whose board takes the image only from some time on: its manifest says that the board's ring is due then. */
export function deferringUntil(
  dueMs: Millis,
  rescue: () => VirtualRescue,
): NonNullable<VirtualRescueOptions["onTargetEvent"]> {
  return (event, proceed) => {
    const { clock, target } = rescue();
    const forMs = dueMs - clock.now();
    if (event.tag !== "checkManifest" || forMs <= 0) {
      proceed();
      return;
    }
    const deferral = { reason: "ring", forMs } as const;
    target.handleManifestChecked(clock.now(), event.session, { tag: "deferred", deferral });
  };
}

/** How often the board deferred, and how often a session began: each of these costs a manifest. */
export function deferrals(events: readonly TargetEvent[]): {
  readonly deferred: number;
  readonly begun: number;
} {
  const count = (tag: TargetEvent["tag"]): number => events.filter((event) => event.tag === tag).length;
  return { deferred: count("deferred"), begun: count("offered") };
}
