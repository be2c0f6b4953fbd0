import { equalBytes } from "../../src/base/bytes.ts";
import type { Millis } from "../../src/base/units.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";
import { I2cMemoryBus, type MemoryBusOptions } from "../../src/sim/wires/memory-i2c-bus.ts";
import { I2cControllerTransport } from "../../src/transport/i2c/controller.ts";
import { I2cPeripheralTransport } from "../../src/transport/i2c/peripheral.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { VirtualRescue, type VirtualRescueOptions } from "./virtual-rescue.ts";
import { passUntil } from "./virtual-time.ts";

const ADDRESS = 0x42;

export interface VirtualI2cRescueOptions extends Omit<VirtualRescueOptions, "makeEnd" | "faults" | "baud"> {
  /** Who is the bus's controller. */
  readonly controller: "rescuer" | "target";
  /** Longest transaction of both sides; 1024 unless given. */
  readonly transactionMax?: number;
  readonly bus?: MemoryBusOptions;
  /** Whether the two sides know the bus's clock; they do unless this is false. */
  readonly isClockKnown?: boolean;
}

/** Without signatures, which cost more than all the rest of a small rescue, and are not what is on trial here. */
export const UNSIGNED = { signer: undefined, trusts: [], allowUnsigned: true } as const;

/** Runs a rescue to its end; fails, naming `replay`, unless both sides know of it, and the flash is exact and boots. */
export async function healsExactly(
  options: VirtualI2cRescueOptions,
  replay: string,
): Promise<VirtualI2cRescue> {
  const virtual = new VirtualI2cRescue(options);
  const hasEnded = await virtual.run(600_000);
  const { board, flashed, data } = virtual.rescue;
  if (!hasEnded) throw new Error(`did not end: ${replay}`);
  if (board.boot().tag !== "boot" || !equalBytes(flashed, data)) throw new Error(`not exact: ${replay}`);
  return virtual;
}

/** A target and a rescuer on one I2C bus in virtual time. */
export class VirtualI2cRescue {
  readonly rescue: VirtualRescue;
  #bus: I2cMemoryBus | undefined;

  constructor(options: VirtualI2cRescueOptions) {
    this.rescue = new VirtualRescue({
      ...options,
      makeEnd: (end, clock) => this.#makeEnd(options, end, clock),
    });
  }

  get bus(): I2cMemoryBus {
    if (this.#bus === undefined) throw new Error("the bus is made with the first end");
    return this.#bus;
  }

  #makeEnd(options: VirtualI2cRescueOptions, end: 0 | 1, clock: VirtualClock): Transport {
    this.#bus ??= new I2cMemoryBus(clock, options.bus);
    const bus = this.#bus;
    const clockHz = options.isClockKnown === false ? undefined : bus.clockHz;
    const common = { clock, clockHz, transactionMax: options.transactionMax ?? 1024, lingerMs: 0 };
    const isController = (end === 1) === (options.controller === "rescuer");
    if (isController) return new I2cControllerTransport("i2c:memory", ADDRESS, async () => bus, common);
    const attach = async (handler: Parameters<I2cMemoryBus["attach"]>[1]): Promise<() => Promise<void>> => {
      const detach = bus.attach(ADDRESS, handler);
      return async () => detach();
    };
    return new I2cPeripheralTransport("i2c-peripheral:memory", attach, common);
  }

  /** Lets time pass until both sides know of the end, or `limitMs`; true when both do. */
  async run(limitMs: Millis = 3_600_000, until: () => boolean = () => this.rescue.isOver): Promise<boolean> {
    return await passUntil(this.rescue.clock, until, limitMs);
  }

  /** Image bytes a second, from the accepted offer to the end on both sides, as a share of the bus's 9 clocks a byte. */
  async measure(): Promise<number> {
    const { rescue } = this;
    const has = (tag: string): boolean => rescue.rescuerEvents.some((event) => event.tag === tag);
    if (!(await this.run(60_000, () => has("accepted")))) throw new Error("no session");
    const from = rescue.clock.now();
    if (!(await this.run(600_000, () => has("healed")))) throw new Error("no end");
    const seconds = (rescue.clock.now() - from) / 1000;
    return rescue.data.length / seconds / (this.bus.clockHz / 9);
  }
}
