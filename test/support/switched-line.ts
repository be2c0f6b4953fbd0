import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startVirtualCable, type VirtualCable } from "../../src/transport/cable/virtual-cable.ts";
import { UartTransport } from "../../src/transport/serial/uart.ts";

const LAST_LIMIT_MS = 30_000;

/** Bytes that passed on a line: `far` is what is plugged in. */
export interface Passed {
  readonly from: "near" | "far";
  /** By `performance.now()`: when they reached what is plugged in, or left it. */
  readonly atMs: number;
  readonly bytes: Buffer;
}

/**
 * A serial line with one program at its near end, and at its far end what the test plugs in: one board after another,
 * or the parts of one board that use the same UART in turn. The line has a true rate (docs/virtual-cable.md).
 *
 * What the near end sends while nothing is plugged in is lost. That holds at the moment of the switch too: whatever was
 * not yet handed over then is never read by the next.
 */
export class SwitchedLine {
  /** Path of the near end. */
  readonly path: string;
  readonly baud: number;
  readonly #directory: string;
  readonly #cable: VirtualCable;
  readonly #far: UartTransport;
  #plugged: Socket | undefined;
  #typed = "";
  #said = "";
  #passed: Passed[] = [];
  #last: { lengthOf(said: string): number | undefined; resolve(): void } | undefined;

  private constructor(directory: string, cable: VirtualCable, far: UartTransport, baud: number) {
    this.path = cable.a;
    this.baud = baud;
    this.#directory = directory;
    this.#cable = cable;
    this.#far = far;
  }

  static async open(baud = 115_200): Promise<SwitchedLine> {
    const directory = await mkdtemp(join(tmpdir(), "mayday-line-"));
    const [a, b] = [join(directory, "near"), join(directory, "far")];
    const cable = await startVirtualCable({ a, b, baud });
    const parity = { parity: "none", stopBits: 1, baudMax: undefined } as const;
    const far = new UartTransport({ tag: "uart", text: b, path: b, baud, fixedBaud: true, ...parity });
    const line = new SwitchedLine(directory, cable, far, baud);
    await far.open({
      onUp: () => {},
      onDown: () => {},
      onWritable: () => {},
      onBytes: (bytes) => line.#hand(bytes),
    });
    return line;
  }

  /** What the near end sent to what is plugged in, since it was; one character a byte. */
  get typed(): string {
    return this.#typed;
  }

  /** What is plugged in has said, and {@link SwitchedLine.say}, since it was plugged in; one character a byte. */
  get said(): string {
    return this.#said;
  }

  /** All that passed since the device was plugged in, in order. */
  get passed(): readonly Passed[] {
    return this.#passed;
  }

  /** From now on the far end is `device`; what it says before and after its time goes nowhere. */
  plug(device: Socket): void {
    this.#typed = "";
    this.#said = "";
    this.#passed = [];
    this.#plugged = device;
    device.removeAllListeners("data");
    device.on("error", () => {}); // a board that was switched off
    device.on("data", (bytes: Buffer) => {
      if (this.#plugged === device) this.#hear(bytes);
    });
    device.resume();
  }

  unplug(): void {
    this.#plugged = undefined;
    this.#last = undefined;
  }

  /**
   * Unplugs the device, or the next one, as soon as it has said something: `lengthOf` gets all that it has said since it
   * was plugged in, and gives back how much of that is still to arrive, or undefined. Resolves then; rejects if that takes
   * too long.
   */
  unpluggedAfter(lengthOf: (said: string) => number | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error("the device never said its last")), LAST_LIMIT_MS);
      const settle = (): void => {
        clearTimeout(limit);
        resolve();
      };
      this.#last = { lengthOf, resolve: settle };
    });
  }

  /** Text for the near end, in between what the device says. */
  say(text: string): void {
    this.#sendNear(Buffer.from(text, "latin1"));
  }

  /** Text for what is plugged in, in between what the near end says; not counted as typed. */
  tell(text: string): void {
    this.#plugged?.write(Buffer.from(text, "latin1"));
  }

  async close(): Promise<void> {
    this.unplug();
    await this.#far.close();
    await this.#cable.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #hear(bytes: Buffer): void {
    const before = this.#said.length;
    const length = this.#last?.lengthOf(this.#said + bytes.toString("latin1"));
    if (length === undefined) {
      this.#sendNear(bytes);
      return;
    }
    this.#sendNear(bytes.subarray(0, Math.max(0, length - before)));
    this.#last?.resolve();
    this.unplug();
  }

  #sendNear(bytes: Buffer): void {
    this.#said += bytes.toString("latin1");
    this.#passed.push({ from: "far", atMs: performance.now(), bytes });
    this.#far.write(new Uint8Array(bytes));
  }

  #hand(bytes: Uint8Array): void {
    if (this.#plugged === undefined) return;
    this.#typed += Buffer.from(bytes).toString("latin1");
    this.#passed.push({ from: "near", atMs: performance.now(), bytes: Buffer.from(bytes) });
    this.#plugged.write(bytes);
  }
}
