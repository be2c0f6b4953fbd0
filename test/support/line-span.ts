import type { Millis } from "../../src/base/units.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { VirtualRescue, type VirtualRescueOptions } from "./virtual-rescue.ts";
import { wrappedTransport } from "./wrapped-transport.ts";

const BAUD = 921_600;
const BYTE_MS: Millis = 10_000 / BAUD;
/** The rescuer comes so late that the target calls already; another time for each seed. */
const START_MS = 3_300;

export interface LineSpan {
  readonly rescue: VirtualRescue;
  /** Share of the line: the image's bytes of those that fit between the rescuer's first byte and the last one of either side. */
  readonly share: number;
}

/**
 * A rescue at 921600 bit/s whose share of the line is measured as for real cables. `wrap` goes around each end of the wire
 * (0 target, 1 rescuer); `onMade` gets the rescue before it runs.
 */
export function lineSpan(
  options: VirtualRescueOptions,
  onMade: (rescue: VirtualRescue) => void = () => {},
): LineSpan {
  const freeAt: [Millis, Millis] = [0, 0];
  let first: Millis | undefined;
  let last: Millis = 0;
  let isMeasured = false;
  let now = (): Millis => 0;
  const measured = (bare: Transport, end: 0 | 1): Transport => {
    const wire = options.wrap?.(bare, end) ?? bare;
    return wrappedTransport(wire, {
      write: (bytes) => {
        const from = Math.max(now(), freeAt[end]);
        freeAt[end] = from + bytes.length * BYTE_MS;
        if (isMeasured && end === 1) first ??= from;
        last = Math.max(last, freeAt[end]);
        return wire.write(bytes);
      },
    });
  };
  const rescue = new VirtualRescue({ ...options, baud: BAUD, wrap: measured });
  onMade(rescue);
  now = () => rescue.clock.now();
  rescue.stopRescuer();
  rescue.run(START_MS, () => false);
  rescue.clock.advanceTo(START_MS + options.seed * 7);
  isMeasured = true;
  rescue.restartRescuer();
  rescue.run(600_000);
  rescue.run(50, () => false);
  return { rescue, share: (rescue.data.length * BYTE_MS) / (last - (first ?? 0)) };
}
