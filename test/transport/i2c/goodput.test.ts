import { describe, expect, it } from "vitest";
import { randomI2cFaults } from "../../../src/sim/wires/i2c-bus-faults.ts";
import { VirtualI2cRescue } from "../../support/virtual-i2c-rescue.ts";

const CONTROLLERS = ["rescuer", "target"] as const;

describe("goodput on I2C at 400 kHz: 256 KiB of random bytes, as a share of the bus's 44.4 kB/s", () => {
  it.each([
    ["rescuer", 1024, 0, 0.95],
    ["rescuer", 32, 0, 0.88],
    ["target", 1024, 0, 0.945],
    ["target", 32, 0, 0.75],
    ["rescuer", 1024, 1e-5, 0.88],
    ["target", 1024, 1e-5, 0.87],
  ] as const)("%s is controller, transactions of %i bytes, bit errors %f: at least %f", async (...row) => {
    const [controller, transactionMax, ber, least] = row;
    const faults = ber === 0 ? {} : { faults: randomI2cFaults(9, { ber }) };
    const virtual = new VirtualI2cRescue({ seed: 5, size: 262_144, controller, transactionMax, bus: faults });
    const share = await virtual.measure();
    process.stderr.write(`I2C ${controller} ${transactionMax} ber ${ber}: ${share.toFixed(4)} of the bus\n`);
    expect(share).toBeGreaterThan(least);
    expect(Buffer.compare(virtual.rescue.flashed, virtual.rescue.data)).toBe(0);
  });

  it.each(CONTROLLERS)(
    "%s is controller, and nobody knows the bus's clock: at least 0.94",
    async (controller) => {
      const virtual = new VirtualI2cRescue({ seed: 6, size: 262_144, controller, isClockKnown: false });
      expect(await virtual.measure()).toBeGreaterThan(0.94);
    },
  );
});
