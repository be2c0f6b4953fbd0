import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { RateEvent } from "../../src/session/role.ts";
import { RatedLine, type RatedLineOptions } from "./rated-line.ts";
import { VirtualRescue, type VirtualRescueOptions } from "./virtual-rescue.ts";

export type RatedRescueOptions = Omit<RatedLineOptions, "clock" | "seed"> &
  Omit<VirtualRescueOptions, "clock" | "seed" | "makeEnd" | "baud" | "latencyMs">;

/** A rescue over a line whose ports can be set to other rates. */
export class RatedRescue extends VirtualRescue {
  readonly line: RatedLine;

  constructor(options: RatedRescueOptions & { readonly seed?: number }) {
    const clock = new VirtualClock();
    const line = new RatedLine({ seed: 1, ...options, clock });
    super({ seed: 1, size: 262_144, ...options, clock, makeEnd: (end) => line.ends[end] });
    this.line = line;
  }

  /** Rates that the rescuer reports, oldest first. */
  get reported(): readonly Pick<RateEvent, "baud" | "why">[] {
    return this.rescuerEvents.flatMap((event) =>
      event.tag === "rate" ? [{ baud: event.baud, why: event.why }] : [],
    );
  }

  /** Rates of both ports. */
  get bauds(): readonly [number, number] {
    return [this.line.ends[0].baud, this.line.ends[1].baud];
  }

  /** The rates that an end was set to, oldest first. */
  setBy(end: 0 | 1): number[] {
    return this.line.set.flatMap(([by, baud]) => (by === end ? [baud] : []));
  }

  /** Whether the board boots the image, every byte of it. */
  get isHealed(): boolean {
    return this.store.status().isBootable && Buffer.compare(this.flashed, this.data) === 0;
  }
}
