import { type Random, randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { StoreOptions } from "../../src/board/admission.ts";
import { type MemoryBoard, memoryBoard } from "../../src/board/memory-board.ts";
import type { TargetStore } from "../../src/board/target-store.ts";
import type { FlashGeometry } from "../../src/flash/geometry.ts";
import type { FlashStorage } from "../../src/flash/storage.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { type SigningKey, trustedKeyOf } from "../../src/image/keys.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import type { LinkOptions } from "../../src/link/link.ts";
import type { LinkKey } from "../../src/link/link-key.ts";
import type { ImageCoders } from "../../src/node/image-coder.ts";
import { LinkDriver, type Machine } from "../../src/node/link-driver.ts";
import { linkOptionsFor } from "../../src/node/node-link.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { PickedImages } from "../../src/node/rescuer-effects.ts";
import { applyTargetEffect, nodeStatusOf, type TargetAnswers } from "../../src/node/target-effects.ts";
import { targetNonces } from "../../src/node/target-nonces.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import type { Nonces } from "../../src/session/nonces.ts";
import type { RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../src/session/rescuer/rescuer-role.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import type { TargetLimits } from "../../src/session/target/target-limits.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import { FlashOracle, type Original } from "../../src/sim/flash-oracle.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import { type FaultOptions, withFaults } from "../../src/sim/wires/transport-faults.ts";
import type { Transport } from "../../src/transport/transport.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { fixedKey } from "./fixed-keys.ts";
import { EffectsUnderWay, type SlowEffects } from "./slow-effects.ts";
import { wrappedTransport } from "./wrapped-transport.ts";

const HARDWARE = { vendor: "acme", hardwareClass: "gate" };

/** One key pair for all, and always the same. */
export const testKey: SigningKey = fixedKey(0x42);

export interface VirtualRescueOptions {
  readonly seed: number;
  /** The firmware; random bytes of `size` unless given. */
  readonly data?: Uint8Array;
  readonly size?: number;
  /** What the slot holds at first; erased unless given. */
  readonly slot?: Uint8Array;
  readonly slotSize?: number;
  readonly blockSize?: number;
  readonly sectorSize?: number;
  /** All of the flash, instead of `sectorSize`, `slotSize` and `layout`. */
  readonly geometry?: FlashGeometry;
  /** 921600 unless given. */
  readonly baud?: number;
  /** One way, 1 ms unless given. */
  readonly latencyMs?: Millis;
  /** Given by callers that need the time before the first frame goes out. */
  readonly clock?: VirtualClock;
  /** Put around each side's end of the wire (0 target, 1 rescuer), again after each restart; each write is a frame. */
  readonly wrap?: (wire: Transport, end: 0 | 1) => Transport;
  /** Makes each side's end of another wire, again after each restart; a serial pair unless given. */
  readonly makeEnd?: (end: 0 | 1, clock: VirtualClock) => Transport;
  /** Faults on what each side receives. */
  readonly faults?: Omit<FaultOptions, "seed" | "clock">;
  readonly fields?: Partial<ImageFields>;
  readonly signer?: SigningKey | undefined;
  /** Keys that the board trusts; the test key unless given. */
  readonly trusts?: readonly SigningKey[];
  /** Link key of each end (0 target, 1 rescuer); none unless given. */
  readonly linkKeys?: readonly [LinkKey | undefined, LinkKey | undefined];
  /** Whether each end hears the second form of frames (0 target, 1 rescuer); neither unless given. */
  readonly hunting?: readonly [boolean, boolean];
  /** The board takes unsigned images; `trusts` must be empty then. */
  readonly allowUnsigned?: boolean;
  /** Images that may go to flash besides this one, if it is trusted itself: see FlashOracle. */
  readonly others?: readonly Original[];
  /** A board that exists already; the options about its flash are not used then, and no oracle watches it. */
  readonly board?: MemoryBoard;
  readonly layout?: FlashGeometry["layout"];
  readonly store?: StoreOptions;
  /** The board calls although it boots. */
  readonly isForced?: boolean;
  /** The board says that it hears nothing while it writes. */
  readonly isDeafWhileWriting?: boolean;
  /** What the board has memory for. */
  readonly limits?: TargetLimits;
  /** The target calls nobody known with plain distress, as the C side does. */
  readonly callsPlainly?: boolean | undefined;
  /** The rescuer sends what fits right behind its offer. */
  readonly isEager?: boolean;
  /** The target's, at each of its starts; random unless given. */
  readonly bootNonce?: Uint8Array;
  /** Bytes that the wire hands over at once; 32 unless given. */
  readonly pieceBytes?: number;
  /** The image to offer to a board that calls; the only one unless given. */
  readonly pick?: (beacon: Beacon, refused: readonly Uint8Array[]) => ImageSource | undefined;
  /** The rescuer makes coded blocks; none unless given. */
  readonly coders?: Pick<ImageCoders, "of">;
  /** Effects of both roles take time; they are carried out at once unless given. */
  readonly slow?: SlowEffects;
  /** Gets each event of a side first; `proceed`, called now or later, carries it out or notes it. */
  readonly onTargetEvent?: (event: TargetEvent, proceed: () => void) => void;
  readonly onRescuerEvent?: (event: RescuerEvent, proceed: () => void) => void;
}

const proceedNow = (_event: unknown, proceed: () => void): void => proceed();

/** A target and a rescuer, with real flash model, image and keys, on one wire in virtual time. */
export class VirtualRescue {
  readonly clock: VirtualClock;
  readonly data: Uint8Array;
  readonly image: ImageSource;
  readonly targetEvents: TargetEvent[] = [];
  readonly rescuerEvents: RescuerEvent[] = [];
  board: MemoryBoard;
  store: TargetStore;
  target: TargetRole;
  rescuer: RescuerRole;
  targetEnd: LinkEnd<TargetEvent>;
  rescuerEnd: LinkEnd<RescuerEvent>;
  /** Node id of the rescuer that runs now. */
  rescuerId: Uint8Array = new Uint8Array(8);
  /** Bytes that each side was handed, from the beginning, restarts included. */
  bytesOnWire = 0;
  /** The effects of each side that are under way (0 target, 1 rescuer), with `slow`. */
  readonly underWay: readonly [EffectsUnderWay, EffectsUnderWay] | undefined;
  /** Tags of the target's events, as far as they were looked at: a long rescue has many, and is asked often. */
  readonly #targetTags: Set<TargetEvent["tag"]> = new Set();
  #scanned = 0;
  readonly #options: VirtualRescueOptions;
  readonly #random: Random;
  readonly #geometry: FlashGeometry;
  readonly #ends: [Transport, Transport];
  #targetDriver: LinkDriver<TargetEvent>;
  #rescuerDriver: LinkDriver<RescuerEvent>;

  constructor(options: VirtualRescueOptions) {
    this.#options = options;
    this.clock = options.clock ?? new VirtualClock();
    this.#random = new SeededRandom(options.seed);
    const { slow, seed } = options;
    this.underWay = slow && [
      new EffectsUnderWay(this.clock, 2 * seed, slow),
      new EffectsUnderWay(this.clock, 2 * seed + 1, slow),
    ];
    this.data = options.data ?? randomBytes(this.#random, options.size ?? 65_536);
    const slotSize = options.slotSize ?? this.data.length;
    const layout = options.layout ?? "single";
    this.#geometry = options.geometry ?? { sectorSize: options.sectorSize ?? 4096, slotSize, layout };
    const fields = {
      ...HARDWARE,
      version: { major: 1, minor: 2, patch: 3 },
      blockSize: options.blockSize ?? 4096,
    };
    const signer = "signer" in options ? options.signer : testKey;
    this.image = memoryImage(this.data, { ...fields, ...options.fields }, signer);
    this.board = options.board ?? this.#makeBoard();
    const region = this.board.nor.map.slots[0];
    if (options.slot !== undefined && region !== undefined)
      this.board.storage.write(region.offset, options.slot);
    this.store = this.board.store(options.store);
    const line = {
      baud: options.baud ?? 921_600,
      latencyMs: options.latencyMs ?? 1,
      pieceBytes: options.pieceBytes ?? 32,
    };
    this.#ends = createMemoryPair(this.clock, { aToB: line, bToA: line });
    [this.targetEnd, this.target, this.#targetDriver] = this.#startTarget();
    [this.rescuerEnd, this.rescuer, this.#rescuerDriver] = this.#startRescuer();
  }

  #makeBoard(storage?: FlashStorage): MemoryBoard {
    const keys = (this.#options.trusts ?? [testKey]).map((key) => trustedKeyOf(key, ["app"]));
    return memoryBoard({
      geometry: this.#geometry,
      identity: { nodeId: new Uint8Array(8).fill(7), hardware: HARDWARE, revision: 3 },
      policy: { keys, allowUnsigned: this.#options.allowUnsigned ?? false },
      ...(storage === undefined ? {} : { storage }),
      wrap: (flash) => new FlashOracle(flash, this.#originals(), true),
    });
  }

  /** What may go to flash: a second opinion in every run. */
  #originals(): Original[] {
    const { allowUnsigned, others = [], trusts = [testKey] } = this.#options;
    const signer = "signer" in this.#options ? this.#options.signer : testKey;
    const isTrusted = allowUnsigned || trusts.some((key) => key === signer);
    return isTrusted
      ? [{ name: "image", data: this.data, digest: this.image.digest }, ...others]
      : [...others];
  }

  #wire(end: 0 | 1): Transport {
    const { seed, faults } = this.#options;
    const { makeEnd } = this.#options;
    const counted = countBytes(makeEnd?.(end, this.clock) ?? this.#ends[end], (bytes) => {
      this.bytesOnWire += bytes;
    });
    const wire = this.#options.wrap?.(counted, end) ?? counted;
    if (faults === undefined) return wire;
    return withFaults(wire, { ...faults, seed: seed * 2 + end, clock: this.clock });
  }

  #linkOver(wire: Transport, end: 0 | 1): LinkOptions {
    const key = this.#options.linkKeys?.[end];
    const isHunting = this.#options.hunting?.[end] ?? false;
    return this.#options.makeEnd === undefined
      ? { baud: this.#options.baud ?? 921_600, rtoFloorMs: 10, key, isHunting }
      : { ...linkOptionsFor(wire), key, isHunting };
  }

  /** `handle` carries an event out or notes it, when `first`, which gets each event first, proceeds with it. */
  #drive<Event>(
    machine: Machine<Event>,
    wire: Transport,
    first: (event: Event, proceed: () => void) => void,
    handle: (event: Event, pump: () => void) => void,
  ): LinkDriver<Event> {
    const splitter = (onRun: (run: Uint8Array) => void): PureRunSplitter =>
      new PureRunSplitter(onRun, this.clock);
    const pump = (): void => driver.pump();
    const onEvent = (event: Event): void =>
      first(event, () => {
        handle(event, pump);
        pump();
      });
    const driver = new LinkDriver(machine, wire, this.clock, splitter, { onEvent });
    void driver.open();
    return driver;
  }

  #startTarget(): [LinkEnd<TargetEvent>, TargetRole, LinkDriver<TargetEvent>] {
    const { store } = this;
    const {
      isForced = false,
      isDeafWhileWriting = false,
      limits = {},
      callsPlainly = false,
      onTargetEvent = proceedNow,
    } = this.#options;
    const wire = this.#wire(0);
    const link = this.#linkOver(wire, 0);
    const start = new TargetStart(this.#noncesOf(store, link.key));
    // Where answers come late, the work is done at once, and not to be seen before its answer.
    const { slow } = this.#options;
    const isSeenLate = slow !== undefined && slow.works !== "last";
    let seen = nodeStatusOf(store.status());
    const see = () => {
      seen = nodeStatusOf(store.status());
    };
    const status = () => (isSeenLate ? seen : nodeStatusOf(store.status()));
    const end = new LinkEnd<TargetEvent>(link);
    const now = this.clock.now();
    const isBlank = (): boolean => store.isBlank();
    const cause = isForced ? ("insists" as const) : ("help" as const);
    const manner = { cause, isDeafWhileWriting, limits, callsPlainly };
    const options = { random: this.#random, status, isBlank, start, ...manner };
    const target = end.exchange(now, (host) => new TargetRole(now, host, options));
    const driver = this.#drive(end, wire, onTargetEvent, (event: TargetEvent, pump) => {
      if (!this.#applyTarget(event, target, store, pump, see)) this.targetEvents.push(event);
      if (event.tag === "sessionLost") store.abandon();
    });
    return [end, target, driver];
  }

  #noncesOf(store: TargetStore, key: LinkKey | undefined): Nonces {
    const { bootNonce } = this.#options;
    return bootNonce === undefined ? targetNonces(store, key, this.#random) : () => bootNonce;
  }

  #startRescuer(nodeId?: Uint8Array): [LinkEnd<RescuerEvent>, RescuerRole, LinkDriver<RescuerEvent>] {
    const { onRescuerEvent = proceedNow } = this.#options;
    const wire = this.#wire(1);
    const link = this.#linkOver(wire, 1);
    this.rescuerId = nodeId ?? randomBytes(this.#random, 8);
    const ids = { nodeId: this.rescuerId, bootNonce: randomBytes(this.#random, 8) };
    const end = new LinkEnd<RescuerEvent>(link);
    const now = this.clock.now();
    const { isEager = false } = this.#options;
    const options = { random: this.#random, ...ids, isEager };
    const rescuer = end.exchange(now, (host) => new RescuerRole(now, host, options));
    const images = new PickedImages(undefined, this.#options.coders);
    const driver = this.#drive(end, wire, onRescuerEvent, (event: RescuerEvent, pump) => {
      if (!this.#applyRescuer(event, rescuer, images, pump)) this.rescuerEvents.push(event);
    });
    return [end, rescuer, driver];
  }

  /** Carries out an effect of the target, now or in its time; false if the event is none. */
  #applyTarget(
    event: TargetEvent,
    target: TargetRole,
    store: TargetStore,
    pump: () => void,
    see: () => void,
  ): boolean {
    const { slow } = this.#options;
    const [underWay] = this.underWay ?? [];
    if (slow === undefined || underWay === undefined || !("session" in event))
      return applyTargetEffect(this.clock, event, target, store);
    if (slow.works === "last")
      underWay.begin(() => {
        if (!target.holds(event.session)) underWay.late++;
        applyTargetEffect(this.clock, event, target, store);
        pump();
      });
    else {
      const answers = answeringLate(target, event.session, underWay, this.clock, pump, see);
      applyTargetEffect(this.clock, event, answers, store);
    }
    return true;
  }

  /** The same for the rescuer. */
  #applyRescuer(event: RescuerEvent, rescuer: RescuerRole, images: PickedImages, pump: () => void): boolean {
    const [, underWay] = this.underWay ?? [];
    const inItsTime = (answer: () => void): void => {
      if (underWay === undefined || (event.tag === "pick" && this.#options.slow?.isPickSlow === false))
        answer();
      else
        underWay.begin(() => {
          answer();
          pump();
        });
    };
    switch (event.tag) {
      case "pick":
        inItsTime(() => {
          const image = this.#pick(event.beacon, event.refused);
          images.answer(this.clock.now(), rescuer, event.session, image);
        });
        return true;
      case "readRun":
      case "readBlock":
        inItsTime(() => images.apply(this.clock.now(), event, rescuer));
        return true;
      default:
        return images.apply(this.clock.now(), event, rescuer) !== undefined;
    }
  }

  #pick(beacon: Beacon, refused: readonly Uint8Array[]): ImageSource | undefined {
    const { pick } = this.#options;
    return pick === undefined ? this.image : pick(beacon, refused);
  }

  /** Has the target's and the rescuer's driver do what is due, after something was done to its machine. */
  pump(): void {
    this.#targetDriver.pump();
    this.#rescuerDriver.pump();
  }

  /** Power off and on: the flash stays, everything in RAM is gone. */
  restartTarget(): void {
    void this.#targetDriver.close();
    this.underWay?.[0].drop();
    this.board = this.#makeBoard(this.board.storage);
    this.store = this.board.store(this.#options.store);
    [this.targetEnd, this.target, this.#targetDriver] = this.#startTarget();
  }

  /** Another process takes over: with another id, unless `nodeId` is given. */
  restartRescuer(nodeId?: Uint8Array): void {
    this.stopRescuer();
    [this.rescuerEnd, this.rescuer, this.#rescuerDriver] = this.#startRescuer(nodeId);
  }

  /** The rescuer vanishes without a word. */
  stopRescuer(): void {
    this.underWay?.[1].drop();
    void this.#rescuerDriver.close();
  }

  /** Lets time pass until both sides know of the end, or `limitMs`; true when both do. */
  run(limitMs: Millis = 3_600_000, until: () => boolean = () => this.isOver): boolean {
    const limit = this.clock.now() + limitMs;
    while (!until()) if (!this.clock.runNext(limit)) return false;
    return true;
  }

  get isOver(): boolean {
    return this.hasEvent("finished") && this.rescuerEvents.some(({ tag }) => tag === "healed");
  }

  hasEvent(tag: TargetEvent["tag"]): boolean {
    const { targetEvents } = this;
    for (; this.#scanned < targetEvents.length; this.#scanned++) {
      const seen = targetEvents[this.#scanned];
      if (seen !== undefined) this.#targetTags.add(seen.tag);
    }
    return this.#targetTags.has(tag);
  }

  /** What the slot holds, as long as the firmware. */
  get flashed(): Uint8Array {
    const region = this.board.nor.map.slots[0];
    return region === undefined ? new Uint8Array() : this.board.storage.read(region.offset, this.data.length);
  }
}

function countBytes(inner: Transport, count: (bytes: number) => void): Transport {
  return wrappedTransport(inner, {
    write: (bytes) => {
      count(bytes.length);
      return inner.write(bytes);
    },
  });
}

/** The target, as far as its effects know it: each answer reaches it after the time that is drawn. */
function answeringLate(
  target: TargetRole,
  session: number,
  underWay: EffectsUnderWay,
  clock: VirtualClock,
  pump: () => void,
  see: () => void,
): TargetAnswers {
  const later = (answer: () => void): void =>
    underWay.begin(() => {
      if (!target.holds(session)) underWay.late++;
      see();
      answer();
      pump();
    });
  return {
    holds: (number) => target.holds(number),
    handleManifestChecked: (_now, ...outcome) =>
      later(() => target.handleManifestChecked(clock.now(), ...outcome)),
    handleRunChecked: (_now, ...outcome) => later(() => target.handleRunChecked(clock.now(), ...outcome)),
    handleBlockWritten: (_now, ...outcome) => later(() => target.handleBlockWritten(clock.now(), ...outcome)),
    handleCommitted: (_now, ...outcome) => later(() => target.handleCommitted(clock.now(), ...outcome)),
  };
}
