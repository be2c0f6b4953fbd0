import type { Timer } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/prng.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";
import { hardwareId } from "../../src/image/hardware.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { after, WasmSide } from "./wasm-module.ts";

/** As large as the posix port has it. */
const DEFINES = ["MAYDAY_RESCUER_PAYLOAD=4096", "MAYDAY_RESCUER_FOLDED=17", "MAYDAY_RESCUER_BLOCK_MAX=65536"];
/** A poll every so often while it serves, and else (`mayday_rescuer_poll`). */
const SERVING_MS = 1;
const LISTENING_MS = 20;

/** The states of `mayday_rescuer_state`. */
export const WasmRescuerState = { listening: 0, offering: 1, serving: 2, healed: 3, stopped: 4 } as const;

/** A C rescuer with one image, in virtual time. */
export class WasmRescuer {
  state: number = WasmRescuerState.listening;
  readonly #clock: VirtualClock;
  readonly #side: WasmSide;
  #timer: Timer | undefined;

  constructor(
    clock: VirtualClock,
    random: Random,
    wire: Transport,
    image: ImageSource,
    data: Uint8Array,
    baud: number,
    isHunting = false,
  ) {
    this.#clock = clock;
    this.#side = new WasmSide(
      "rescuer",
      isHunting ? [...DEFINES, "MAYDAY_WITH_FEC=1"] : DEFINES,
      clock,
      random,
      wire,
      {
        read: (offset = 0, at = 0, length = 0) => {
          this.#side.view(at, length).set(data.subarray(offset, offset + length));
          return 1;
        },
      },
    );
    const { envelope, manifest } = image;
    const start = new Uint8Array(16 + envelope.length);
    start.set(new Uint8Array(8).fill(0x52));
    start.set(hardwareId(manifest.vendor, manifest.hardwareClass), 8);
    start.set(envelope, 16);
    this.#side.give(start);
    if (this.#side.call("start", baud, 10, envelope.length) === 0)
      throw new Error("the rescuer does not take the image");
    this.#side.open(() => this.#pump());
    this.#pump();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#side.close();
  }

  #pump(): void {
    do this.state = this.#side.call("poll");
    while (this.#side.call("is_busy") !== 0);
    const ms =
      this.state === WasmRescuerState.serving || this.state === WasmRescuerState.offering
        ? SERVING_MS
        : LISTENING_MS;
    this.#timer = after(this.#clock, this.#timer, ms, () => this.#pump());
  }
}
