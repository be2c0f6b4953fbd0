import type { Timer } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/prng.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";
import { type FlashGeometry, type FlashMap, flashMap } from "../../src/flash/geometry.ts";
import { checkSignature } from "../../src/image/ed25519.ts";
import type { Hardware } from "../../src/image/hardware.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { after, WasmSide } from "./wasm-module.ts";

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
  /** The module is built with MAYDAY_WITH_FEC: it hears and sends the second form of frames. */
  readonly isHunting?: boolean;
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
  /** A code of PROTOCOL.md 5.16; 255: nobody said none. */
  readonly none: number;
  readonly framesUnauthentic: number;
  /** `mayday_key_mismatch`: 1 the rescuer has no link key, 3 the keys differ; 2, that there is none here, in such a module without a key. */
  readonly mismatch: number;
}

const REPORT = [
  "blocksWritten",
  "framesIn",
  "framesBad",
  "sessions",
  "refused",
  "none",
  "framesUnauthentic",
  "mismatch",
] as const;
/** A target that finds more work than this at one moment never comes to rest. */
const POLLS_MAX = 100_000;

/** A board with the C target, in virtual time: flash and wire are those of the TypeScript side. */
export class WasmTarget {
  readonly map: FlashMap;
  /** The whole flash. */
  readonly flash: Uint8Array;
  /** Programs that turned a bit back, or did not begin and end with a write unit. */
  faults = 0;
  state: number = WasmState.calling;
  readonly #options: WasmTargetOptions;
  #side: WasmSide | undefined;
  #timer: Timer | undefined;

  constructor(options: WasmTargetOptions) {
    this.#options = options;
    this.map = flashMap(options.geometry);
    this.flash = new Uint8Array(this.map.size).fill(this.map.erasedByte);
  }

  /** Power on: a fresh instance over the same flash. A board that boots says nothing unless it is forced. */
  start(wire: Transport): void {
    this.kill();
    const { clock, random, baud, isDeaf = false, isForced = false, payloadMax = 4096 } = this.#options;
    const side = new WasmSide("target", this.#defines, clock, random, wire, this.#host());
    this.#side = side;
    this.state = WasmState.calling;
    this.#configure(side);
    side.call("open");
    if (this.failure === 0 && !isForced) {
      this.state = WasmState.healed;
      return;
    }
    const blocks = this.#options.blockBytes ?? 16 * (4096 + 16 + 32);
    const isStarted = side.call("start", baud, 10, isDeaf ? 1 : 0, blocks, payloadMax, isForced ? 1 : 0);
    if (isStarted === 0) throw new Error("the memory is too small");
    side.open(() => this.#pump());
    this.#pump();
  }

  /** Power off: nothing is left but the flash. */
  kill(): void {
    this.#timer?.cancel();
    this.#side?.close();
    this.#side = undefined;
  }

  /** 0: the board boots; else a code of PROTOCOL.md 5.2. */
  get failure(): number {
    return this.#on.call("failure");
  }

  get report(): WasmReport {
    this.#on.call("report");
    const numbers = new DataView(this.#on.taken(4 * REPORT.length).buffer);
    return Object.fromEntries(
      REPORT.map((name, i) => [name, numbers.getUint32(4 * i, true)]),
    ) as unknown as WasmReport;
  }

  /** What the first slot holds; a view. */
  slot(length: number): Uint8Array {
    const offset = this.map.slots[0]?.offset ?? 0;
    return this.flash.subarray(offset, offset + length);
  }

  get #defines(): readonly string[] {
    const { linkKey, isHunting } = this.#options;
    return [
      ...(linkKey === undefined ? [] : ["MAYDAY_WITH_LINK_KEY=1"]),
      ...(isHunting === true ? ["MAYDAY_WITH_FEC=1"] : []),
    ];
  }

  get #on(): WasmSide {
    if (this.#side === undefined) throw new Error("the board has no power");
    return this.#side;
  }

  #host(): ConstructorParameters<typeof WasmSide>[5] {
    const { flash, map } = this;
    const view = (at: number, length: number): Uint8Array => this.#on.view(at, length);
    return {
      read: (offset, at, length) => {
        view(at ?? 0, length ?? 0).set(
          flash.subarray((offset ?? 0) >>> 0, ((offset ?? 0) >>> 0) + (length ?? 0)),
        );
        return 1;
      },
      erase: (offset, length) => {
        flash.fill(map.erasedByte, (offset ?? 0) >>> 0, ((offset ?? 0) >>> 0) + (length ?? 0));
        return 1;
      },
      program: (offset, at, length) => this.#program((offset ?? 0) >>> 0, view(at ?? 0, length ?? 0)),
      verify: (key, signature, message, length) =>
        checkSignature(view(key ?? 0, 32), view(message ?? 0, length ?? 0), view(signature ?? 0, 64)) ===
        undefined
          ? 1
          : 0,
    };
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

  #configure(side: WasmSide): void {
    const { geometry, nodeId, hardware, revision, keys, linkKey } = this.#options;
    const { writeSize, erasedByte, sectors } = this.map;
    for (const { count, size } of sectors.runs) side.call("add_sectors", count, size);
    const inRecord = geometry.manifests === "record" ? 1 : 0;
    const recovery = geometry.recoverySize ?? 16_384;
    side.call(
      "set_layout",
      geometry.layout === "ab" ? 1 : 0,
      inRecord,
      erasedByte,
      writeSize,
      recovery,
      geometry.slotSize,
    );
    for (const key of keys) {
      side.give(key);
      side.call("add_key", 1, 0xffffffff, 1000);
    }
    if (linkKey !== undefined) {
      side.give(linkKey);
      side.call("set_link_key", linkKey.length);
    }
    const names = new Uint8Array(8 + 66);
    names.set(nodeId);
    names.set(new TextEncoder().encode(hardware.vendor), 8);
    names.set(new TextEncoder().encode(hardware.hardwareClass), 41);
    side.give(names);
    side.call("set_identity", revision, 0, 1, 1);
  }

  /** Polls until nothing is left to do now, and sets the timer. */
  #pump(): void {
    const side = this.#side;
    if (side === undefined) return;
    for (let polls = 0; polls < POLLS_MAX; polls++) {
      this.state = side.call("poll");
      if (this.state >= WasmState.healed) return;
      const idle = side.call("idle_ms");
      if (idle === 0) continue;
      this.#timer = after(this.#options.clock, this.#timer, Math.min(idle, 60_000), () => this.#pump());
      return;
    }
    throw new Error("the C target finds work without end");
  }
}
