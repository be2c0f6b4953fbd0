import { describe, expect, it } from "vitest";
import { type ByteFate, i2cFaultAt } from "../../../src/sim/wires/i2c-bus-faults.ts";
import { healsExactly, UNSIGNED } from "../../support/virtual-i2c-rescue.ts";

/**
 * `nack`: a byte arrives and its acknowledgement is lost. `timeout` stands for all that end a transaction before an
 * byte (arbitration, short): only the name of the error differs, and the mailbox's own enumeration has them.
 */
const FATES: readonly ByteFate[] = [
  { tag: "nack" },
  { tag: "timeout" },
  { tag: "stuck", lastsMs: 400 },
  { tag: "flip", mask: 1 },
];
const SMALL = {
  ...UNSIGNED,
  seed: 3,
  size: 100,
  sectorSize: 1024,
  blockSize: 1024,
  slotSize: 1024,
  transactionMax: 64,
};

describe("one fault, at every byte of a short rescue over I2C", () => {
  it.each(
    (["rescuer", "target"] as const).flatMap((controller) =>
      FATES.map((fate) => [controller, fate] as const),
    ),
  )(
    "is healed: controller %s, fault %o",
    async (controller, fate) => {
      const rescue = { ...SMALL, controller };
      const { bytes } = (await healsExactly(rescue, "no fault")).bus.figures;
      expect(bytes).toBeGreaterThan(800);
      for (let at = 0; at < bytes; at++) {
        // Every bit has its turn.
        const one = fate.tag === "flip" ? { ...fate, mask: 1 << (at & 7) } : fate;
        await healsExactly({ ...rescue, bus: { faults: i2cFaultAt(at, one) } }, `${fate.tag} at byte ${at}`);
      }
    },
    60_000,
  );
});
