import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { I2cMemoryBus, type MemoryBusOptions } from "../../src/sim/wires/memory-i2c-bus.ts";
import type { I2cPeripheralHandler } from "../../src/transport/i2c/bus.ts";
import { I2cControllerTransport } from "../../src/transport/i2c/controller.ts";
import { I2cPeripheralTransport } from "../../src/transport/i2c/peripheral.ts";
import { Recorder } from "./recorder.ts";
import { pass, passUntil } from "./virtual-time.ts";

export const ADDRESS = 0x42;

export interface I2cLinkOptions extends MemoryBusOptions {
  /** Of both sides; 32 unless given. */
  readonly transactionMax?: number;
}

/** A controller and, once {@link I2cLink.plug} was called, a peripheral on a bus in memory, in virtual time. */
export class I2cLink {
  readonly clock: VirtualClock = new VirtualClock();
  readonly bus: I2cMemoryBus;
  readonly controller: I2cControllerTransport;
  readonly heardByController: Recorder = new Recorder();
  heardByPeripheral: Recorder = new Recorder();
  /** How often the controller opened the bus. */
  opened = 0;
  readonly #transactionMax: number;

  constructor(options: I2cLinkOptions = {}) {
    this.bus = new I2cMemoryBus(this.clock, options);
    this.#transactionMax = options.transactionMax ?? 32;
    const common = { clock: this.clock, transactionMax: this.#transactionMax };
    const openBus = async (): Promise<I2cMemoryBus> => {
      this.opened++;
      return this.bus;
    };
    this.controller = new I2cControllerTransport("i2c:memory", ADDRESS, openBus, common);
  }

  /** Opens the controller's end. */
  async start(): Promise<void> {
    await this.controller.open(this.heardByController);
  }

  /** A peripheral appears on the bus. */
  async plug(
    options: { readonly transactionMax?: number; readonly address?: number } = {},
  ): Promise<I2cPeripheralTransport> {
    const attach = async (handler: I2cPeripheralHandler): Promise<() => Promise<void>> => {
      const detach = this.bus.attach(options.address ?? ADDRESS, handler);
      return async () => detach();
    };
    const transactionMax = options.transactionMax ?? this.#transactionMax;
    const peripheral = new I2cPeripheralTransport("i2c-peripheral:memory", attach, {
      clock: this.clock,
      transactionMax,
      lingerMs: 0,
    });
    this.heardByPeripheral = new Recorder();
    await peripheral.open(this.heardByPeripheral);
    return peripheral;
  }

  async pass(ms: Millis): Promise<void> {
    await pass(this.clock, ms);
  }

  /** Lets time pass until `condition` holds; throws when it does not within `limitMs`. */
  async until(condition: () => boolean, limitMs: Millis = 60_000): Promise<void> {
    if (await passUntil(this.clock, condition, limitMs)) return;
    throw new Error(`not within ${limitMs} ms; controller: ${this.heardByController.events.join(", ")}`);
  }

  /** Both ends up. */
  async untilUp(): Promise<void> {
    await this.until(() => this.heardByController.count("up") > 0 && this.heardByPeripheral.count("up") > 0);
  }
}

/** A frame of `length` bytes that names itself. */
export function frameOf(index: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i === 0 ? index : (index * 31 + i * 7) & 0xff));
}
