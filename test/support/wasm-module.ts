import { readFileSync } from "node:fs";
import type { Clock, Timer } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/prng.ts";
import type { Transport } from "../../src/transport/transport.ts";

const { buildModule } = (await import(new URL("../../scripts/firmware/wasm.mjs", import.meta.url).href)) as {
  readonly buildModule: (name: string, defines?: readonly string[]) => string;
};

const compiled = new Map<string, WebAssembly.Module>();

/** A module of the C side, compiled once a process. `defines`: macros of its configuration. */
function moduleOf(name: string, defines: readonly string[]): WebAssembly.Module {
  const key = [name, ...defines].join(" ");
  const known = compiled.get(key) ?? new WebAssembly.Module(readFileSync(buildModule(name, defines)));
  compiled.set(key, known);
  return known;
}

/** Functions that a module imports, beside clock, line and chance. */
export type HostFunctions = Readonly<Record<string, (...args: number[]) => number>>;

type Export = (...args: number[]) => number;

/** One instance of a module of the C side, joined to a wire in virtual time. */
export class WasmSide {
  readonly #exports: Readonly<Record<string, Export>>;
  readonly #memory: WebAssembly.Memory;
  readonly #name: string;
  readonly #wire: Transport;
  #isOpen = false;

  constructor(
    name: string,
    defines: readonly string[],
    clock: Clock,
    random: Random,
    wire: Transport,
    own: HostFunctions,
  ) {
    this.#name = name;
    this.#wire = wire;
    const host = {
      now_ms: () => Math.floor(clock.now()) >>> 0,
      tx: (at: number, length: number) => {
        if (this.#isOpen) wire.write(this.view(at, length).slice());
        return length;
      },
      random: (at: number, length: number) => {
        const bytes = this.view(at, length);
        for (let i = 0; i < length; i++) bytes[i] = random.u32() & 0xff;
      },
      ...own,
    };
    const { exports } = new WebAssembly.Instance(moduleOf(name, defines), { host });
    this.#exports = exports as Record<string, Export>;
    this.#memory = exports["memory"] as WebAssembly.Memory;
  }

  call(name: string, ...args: number[]): number {
    const call = this.#exports[name];
    if (call === undefined) throw new Error(`${this.#name}.wasm has no ${name}`);
    return call(...args) >>> 0;
  }

  /** Bytes of its memory. */
  view(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  /** Puts bytes where its functions look for what is passed by reference. */
  give(bytes: Uint8Array): void {
    if (bytes.length > this.call("exchange_bytes"))
      throw new RangeError(`${bytes.length} bytes are too many`);
    this.view(this.call("exchange"), bytes.length).set(bytes);
  }

  /** What a function left there. */
  taken(length: number): Uint8Array {
    return this.view(this.call("exchange"), length).slice();
  }

  /** Opens the wire: what it brings is handed to `bytes`, and `pump` is called behind it. */
  open(pump: () => void): void {
    this.#isOpen = true;
    void this.#wire.open({
      onUp: () => {},
      onDown: () => {},
      onWaiting: () => {},
      onBytes: (bytes) => {
        if (!this.#isOpen) return;
        this.give(bytes);
        this.call("bytes", bytes.length);
        pump();
      },
      onWritable: pump,
    });
  }

  close(): void {
    this.#isOpen = false;
    void this.#wire.close();
  }
}

/** Calls `pump` at a time that a C side gave in whole milliseconds from now; replaces the timer before. */
export function after(clock: Clock, timer: Timer | undefined, ms: number, pump: () => void): Timer {
  timer?.cancel();
  return clock.after(Math.floor(clock.now()) + ms - clock.now(), pump);
}
