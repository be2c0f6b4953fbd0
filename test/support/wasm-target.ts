import { readFileSync } from "node:fs";
import type { Timer } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/prng.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";
import { type FlashGeometry, type FlashMap, flashMap } from "../../src/flash/geometry.ts";
import { checkSignature } from "../../src/image/ed25519.ts";
import type { Hardware } from "../../src/image/hardware.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { builtModule } from "./wasm-module.ts";

/** What a C target is started with. */
export interface WasmTargetOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly geometry: FlashGeometry;
  readonly nodeId: Uint8Array;
  readonly hardware: Hardware;
  readonly revision: number;
  /** Raw public keys, 32 bytes each. */
  readonly keys: readonly Uint8Array[];
  readonly baud: number;
  /** Bytes of block buffers; for 16 blocks of 4 KiB unless given. */
  readonly blockBytes?: number;
  /** 4096 unless given. */
  readonly payloadMax?: number;
  readonly isDeaf?: boolean;
  readonly isForced?: boolean;
  /** The secret of both ends of the link; the module is built with MAYDAY_WITH_LINK_KEY then. */
  readonly linkKey?: Uint8Array;
}

/** The states of `mayday_target_state`. */
export const WasmState = { calling: 0, served: 1, healed: 2, stopped: 3 } as const;

/** Numbers of `mayday_target_report`. */
export interface WasmReport {
  readonly blocksWritten: number;
  readonly framesIn: number;
  readonly framesBad: number;
  readonly sessions: number;
  /** A code of PROTOCOL.md 5.7; 0: nothing was refused. */
  readonly refused: number;
  readonly framesUnauthentic: number;
  /** `mayday_key_mismatch`: 1 the rescuer has no link key, 3 the keys differ; 2, that there is none here, in such a module without a key. */
  readonly mismatch: number;
}

type Export = (...args: number[]) => number;

/** A board with the C target, in virtual time: flash and wire are those of the TypeScript side. */
export class WasmTarget {
  readonly map: FlashMap;
  /** The whole flash. */
  readonly flash: Uint8Array;
  /** Programs that turned a bit back, or did not begin and end with a write unit. */
  faults = 0;
  state = 0;
  readonly #options: WasmTargetOptions;
  #exports: Record<string, Export> = {};
  #memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 0 });
  #wire: Transport | undefined;
  #timer: Timer | undefined;

  constructor(options: WasmTargetOptions) {
    this.#options = options;
    this.map = flashMap(options.geometry);
    this.flash = new Uint8Array(this.map.size).fill(this.map.erasedByte);
  }

  /** Power on: a fresh instance over the same flash. */
  start(wire: Transport): void {
    this.#timer?.cancel();
    void this.#wire?.close();
    this.#instantiate();
    this.#configure();
    this.#wire = wire;
    this.#call("open");
    if (this.failure === 0 && this.#options.isForced !== true) return;
    const { baud, isDeaf = false, isForced = false, payloadMax = 4096 } = this.#options;
    const blocks = this.#options.blockBytes ?? 16 * (4096 + 16);
    const started = this.#call("start", baud, 10, isDeaf ? 1 : 0, blocks, payloadMax, isForced ? 1 : 0);
    if (started === 0) throw new Error("the memory is too small");
    void wire.open({
      onUp: () => {},
      onDown: () => {},
      onWaiting: () => {},
      onBytes: (bytes) => this.#take(bytes),
      onWritable: () => this.#pump(),
    });
    this.#pump();
  }

  /** Power off: nothing is left but the flash. */
  kill(): void {
    this.#timer?.cancel();
    void this.#wire?.close();
    this.#wire = undefined;
  }

  /** 0: the board boots; else a code of PROTOCOL.md 5.2. */
  get failure(): number {
    return this.#call("failure");
  }

  get report(): WasmReport {
    this.#call("report");
    const at = new DataView(this.#memory.buffer, this.#call("exchange"), 32);
    const word = (i: number): number => at.getUint32(4 * i, true);
    return {
      ...{
        blocksWritten: word(0),
        framesIn: word(1),
        framesBad: word(2),
        sessions: word(3),
        refused: word(4),
      },
      ...{ framesUnauthentic: word(6), mismatch: word(7) },
    };
  }

  /** What the first slot holds. */
  slot(length: number): Uint8Array {
    const offset = this.map.slots[0]?.offset ?? 0;
    return this.flash.subarray(offset, offset + length);
  }

  #call(name: string, ...args: number[]): number {
    const call = this.#exports[name];
    if (call === undefined) throw new Error(`target.wasm has no ${name}`);
    return call(...args) >>> 0;
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  #exchange(bytes: Uint8Array): void {
    this.#bytes(this.#call("exchange"), bytes.length).set(bytes);
  }

  get #macros(): readonly string[] {
    return this.#options.linkKey === undefined ? [] : ["MAYDAY_WITH_LINK_KEY=1"];
  }

  #instantiate(): void {
    const module = new WebAssembly.Module(readFileSync(builtModule("target", this.#macros)));
    const host = {
      now_ms: () => Math.floor(this.#options.clock.now()) >>> 0,
      tx: (at: number, length: number) => {
        this.#wire?.write(this.#bytes(at, length).slice());
        return length;
      },
      read: (offset: number, at: number, length: number) => {
        this.#bytes(at, length).set(this.flash.subarray(offset >>> 0, (offset >>> 0) + length));
        return 1;
      },
      erase: (offset: number, length: number) => {
        this.flash.fill(this.map.erasedByte, offset >>> 0, (offset >>> 0) + length);
        return 1;
      },
      program: (offset: number, at: number, length: number) =>
        this.#program(offset >>> 0, this.#bytes(at, length)),
      verify: (key: number, signature: number, message: number, length: number) =>
        checkSignature(this.#bytes(key, 32), this.#bytes(message, length), this.#bytes(signature, 64)) ===
        undefined
          ? 1
          : 0,
      random: (at: number, length: number) => {
        for (let i = 0; i < length; i++) this.#bytes(at, length)[i] = this.#options.random.u32() & 0xff;
      },
    };
    const { exports } = new WebAssembly.Instance(module, { host });
    this.#exports = exports as Record<string, Export>;
    this.#memory = exports["memory"] as WebAssembly.Memory;
  }

  #program(offset: number, bytes: Uint8Array): number {
    const { erasedByte, writeSize } = this.map;
    if (offset % writeSize !== 0 || bytes.length % writeSize !== 0) this.faults++;
    for (const [i, byte] of bytes.entries()) {
      const old = (this.flash[offset + i] ?? 0) ^ erasedByte;
      const next = byte ^ erasedByte;
      if ((old & ~next) !== 0) this.faults++;
      this.flash[offset + i] = (old | next) ^ erasedByte;
    }
    return 1;
  }

  #configure(): void {
    const { geometry, nodeId, hardware, revision, keys, linkKey } = this.#options;
    const { writeSize, erasedByte, sectors } = this.map;
    for (const { count, size } of sectors.runs) this.#call("add_sectors", count, size);
    const inRecord = geometry.manifests === "record" ? 1 : 0;
    const recovery = geometry.recoverySize ?? 16_384;
    this.#call(
      "set_layout",
      geometry.layout === "ab" ? 1 : 0,
      inRecord,
      erasedByte,
      writeSize,
      recovery,
      geometry.slotSize,
    );
    for (const key of keys) {
      this.#exchange(key);
      this.#call("add_key", 1, 0xffffffff, 1000);
    }
    if (linkKey !== undefined) {
      this.#exchange(linkKey);
      this.#call("set_link_key", linkKey.length);
    }
    const names = new Uint8Array(8 + 66);
    names.set(nodeId);
    names.set(new TextEncoder().encode(hardware.vendor), 8);
    names.set(new TextEncoder().encode(hardware.hardwareClass), 41);
    this.#exchange(names);
    this.#call("set_identity", revision, 0, 1, 1);
  }

  #take(bytes: Uint8Array): void {
    this.#exchange(bytes);
    this.#call("bytes", bytes.length);
    this.#pump();
  }

  /** Polls until nothing is left to do now, and sets the timer. */
  #pump(): void {
    this.#timer?.cancel();
    if (this.#wire === undefined) return;
    for (let polls = 0; polls < 100_000; polls++) {
      this.state = this.#call("poll");
      const idle = this.#call("idle_ms");
      if (this.state >= WasmState.healed) return;
      if (idle === 0) continue;
      // The C clock has whole milliseconds: the time has come when it shows it.
      const at = Math.floor(this.#options.clock.now()) + Math.min(idle, 60_000);
      this.#timer = this.#options.clock.after(at - this.#options.clock.now(), () => this.#pump());
      return;
    }
    throw new Error("the C target finds work without end");
  }
}
