import { randomBelow, randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { MemoryBoard, MemoryBoardOptions } from "../../src/board/memory-board.ts";
import type { TargetStore } from "../../src/board/target-store.ts";
import type { Flash } from "../../src/flash/nor-flash.ts";
import type { FlashStorage } from "../../src/flash/storage.ts";
import type { TrustPolicy } from "../../src/image/envelope.ts";
import { LinkDriver, type Machine } from "../../src/node/link-driver.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { PickedImages } from "../../src/node/rescuer-effects.ts";
import { applyTargetEffect, nodeStatusOf } from "../../src/node/target-effects.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import { randomNonces } from "../../src/session/nonces.ts";
import type { RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../src/session/rescuer/rescuer-role.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import { FlashOracle, originalIn } from "../../src/sim/flash-oracle.ts";
import { createMemoryPair } from "../../src/sim/wires/memory-pair.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { pick } from "../fuzz/mutate.ts";
import { MUTATION_NAMES } from "./classes.ts";
import { drawPlan, ManInTheMiddle } from "./man-in-the-middle.ts";
import { freshStorage, powerUp, type Setup, type Specimen, setups } from "./specimens.ts";

/** What became of one transfer. */
export interface MutatedResult {
  readonly className: string;
  readonly setup: string;
  /** Frames that were tampered with. */
  readonly mutations: number;
  /** At power-up after the attack: the image that boots ("wanted", "other", "old"), or "recovery: " and the reason. */
  readonly outcome: string;
  /** An honest rescuer came after the attack, and the board boots what it brought. */
  readonly wasHealedAfter: boolean;
  /** Bytes programmed into slots, each compared with its original. */
  readonly bytesRight: number;
  /** What must never be, each once; empty: nothing of it happened. */
  readonly failures: readonly string[];
}

/** Ways to break the board under attack, by which the checks themselves are checked. */
export interface Sabotage {
  store?(store: TargetStore, board: MemoryBoard): TargetStore;
  /** What the board trusts instead. */
  readonly policy?: TrustPolicy;
  /** Called when the attack is over. */
  afterwards?(board: MemoryBoard): void;
}

const BAUD = 921_600;
/** Attacks last so long at most. */
const ATTACK_MS: readonly Millis[] = [500, 3_000, 12_000];
/** An honest rescuer has to be done this long after the attack: later alone may hold a target for a minute. */
export const HEALED_WITHIN_MS: Millis = 180_000;
/** Of so many attacks the rescuer itself is hostile, and serves the decoy. */
const HOSTILE_RESCUER_EVERY = 8;

/** Runs the transfer of a seed, which says all about it. Never throws. */
export function runMutated(
  seed: number,
  sabotage: Sabotage = {},
  say?: (line: string) => void,
): MutatedResult {
  return new MutatedTransfer(seed, sabotage, say).run();
}

class MutatedTransfer {
  readonly #clock: VirtualClock = new VirtualClock();
  readonly #random: SeededRandom;
  readonly #setup: Setup;
  readonly #className: string;
  readonly #attacker: ManInTheMiddle;
  readonly #board: MemoryBoard;
  readonly #ends: readonly [Transport, Transport];
  readonly #sabotage: Sabotage;
  readonly #say: ((line: string) => void) | undefined;
  #oracle: FlashOracle | undefined;
  #floor: number;
  readonly #failures: Set<string> = new Set();
  #isFinished = false;

  constructor(seed: number, sabotage: Sabotage, say: ((line: string) => void) | undefined) {
    this.#sabotage = sabotage;
    this.#say = say;
    this.#random = new SeededRandom(seed ^ 0x6d75_7461);
    const all = setups();
    this.#setup = all[Math.floor(seed / MUTATION_NAMES.length) % all.length] ?? pick(this.#random, all);
    this.#className = MUTATION_NAMES[seed % MUTATION_NAMES.length] ?? "mixed";
    const plan = drawPlan(this.#random, this.#setup, this.#className);
    this.#attacker = new ManInTheMiddle(this.#clock, this.#random, this.#setup, plan);
    this.#floor = this.#setup.counterFloor;
    const { trusted } = this.#setup;
    const wrap = (flash: Flash): FlashOracle => {
      this.#oracle = new FlashOracle(flash, trusted);
      return this.#oracle;
    };
    this.#board = this.#powerUp({ wrap });
    const line = { baud: BAUD, latencyMs: 1 };
    this.#ends = createMemoryPair(this.#clock, { aToB: line, bToA: line });
    const isHostile = randomBelow(this.#random, HOSTILE_RESCUER_EVERY) === 0;
    say?.(`${this.#className} on ${this.#setup.name}, decoy ${plan.decoy.name}, rate ${plan.rate}`);
    this.#startTarget();
    this.#stopRescuer = this.#startRescuer(isHostile ? plan.decoy : this.#setup.wanted);
  }

  #stopRescuer: () => void = () => {};

  run(): MutatedResult {
    let outcome = "exception";
    let wasHealedAfter = false;
    try {
      this.#pass(pick(this.#random, ATTACK_MS));
      this.#sabotage.afterwards?.(this.#board);
      outcome = this.#judge("after the attack");
      const isFollowed = !this.#isFinished && randomBelow(this.#random, 2) === 0;
      if (isFollowed) wasHealedAfter = this.#healHonestly();
    } catch (error) {
      this.#fail(`exception: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    for (const violation of this.#oracle?.violations ?? []) this.#fail(violation);
    return {
      className: this.#className,
      setup: this.#setup.name,
      mutations: this.#attacker.mutations,
      outcome,
      wasHealedAfter,
      bytesRight: this.#oracle?.bytesRight ?? 0,
      failures: [...this.#failures],
    };
  }

  /** The attacker is gone, another rescuer comes: the board has to boot what that one brings, and say so. */
  #healHonestly(): boolean {
    this.#attacker.isActive = false;
    this.#stopRescuer();
    this.#startRescuer(this.#setup.wanted);
    if (!this.#pass(HEALED_WITHIN_MS)) this.#fail("an honest rescuer did not heal the board in time");
    const outcome = this.#judge("after the honest rescuer");
    const isHealed = outcome === "wanted" || outcome === "other";
    if (!isHealed) this.#fail(`after the honest rescuer: ${outcome}`);
    return isHealed;
  }

  /** Lets time pass until the target is done; false when it is not. */
  #pass(ms: Millis): boolean {
    const limit = this.#clock.now() + ms;
    while (!this.#isFinished) if (!this.#clock.runNext(limit)) return false;
    return true;
  }

  #fail(what: string): void {
    this.#failures.add(what);
  }

  /** Powers the flash up as another board, and compares what boots with the originals. */
  #judge(when: string): string {
    const board = this.#powerUp({}, this.#copyOfFlash());
    this.#watchFloor(board, when);
    const boot = board.boot();
    if (boot.tag === "recovery") return `recovery: ${boot.reason}`;
    const region = board.nor.map.slots[boot.slot];
    const slot = board.storage.read(region?.offset ?? 0, region?.size ?? 0);
    const original = originalIn(slot, boot.image.digest, this.#setup.trusted);
    if (original === undefined) this.#fail(`${when}: boots an image that nobody trusted signed`);
    return original?.name ?? "wrong image";
  }

  #powerUp(more: Pick<MemoryBoardOptions, "wrap">, storage?: FlashStorage): MemoryBoard {
    const { policy } = this.#sabotage;
    return powerUp(this.#setup, { ...more, ...(policy === undefined ? {} : { policy }) }, storage);
  }

  #copyOfFlash(): FlashStorage {
    const { storage } = this.#board;
    const copy = freshStorage(this.#setup);
    copy.write(0, storage.read(0, storage.size));
    return copy;
  }

  #watchFloor(board: MemoryBoard, when: string): void {
    const floor = board.parts.record.state.counterFloor;
    if (floor < this.#floor) this.#fail(`${when}: the counter floor fell from ${this.#floor} to ${floor}`);
    this.#floor = Math.max(this.#floor, floor);
  }

  #drive<Event>(machine: Machine<Event>, wire: Transport, onEvent: (event: Event) => void): () => void {
    const splitter = (onRun: (run: Uint8Array) => void): PureRunSplitter =>
      new PureRunSplitter(onRun, this.#clock);
    const driver = new LinkDriver(machine, wire, this.#clock, splitter, { onEvent });
    void driver.open();
    return () => void driver.close();
  }

  #startTarget(): void {
    const made = this.#board.store(this.#setup.store);
    const store = this.#sabotage.store?.(made, this.#board) ?? made;
    const end = new LinkEnd<TargetEvent>({ baud: BAUD, rtoFloorMs: 10 });
    const now = this.#clock.now();
    const options = {
      random: this.#random,
      status: () => nodeStatusOf(store.status()),
      isBlank: () => store.isBlank(),
      start: new TargetStart(randomNonces(this.#random)),
      cause: this.#setup.isForced ? ("insists" as const) : ("help" as const),
    };
    const target = end.exchange(now, (host) => new TargetRole(now, host, options));
    this.#drive(end, this.#attacker.wrap(this.#ends[0], true), (event: TargetEvent) => {
      if (this.#say && event.tag !== "progress") this.#say(`${this.#at()} target ${describe(event)}`);
      const isEffect = applyTargetEffect(this.#clock, event, target, store);
      if (isEffect) this.#watchFloor(this.#board, "while under attack");
      if (event.tag === "sessionLost") store.abandon();
      if (event.tag === "verified" && this.#judge("at done").startsWith("recovery"))
        this.#fail("done, but the board does not boot");
      if (event.tag === "finished") this.#isFinished = true;
    });
  }

  #startRescuer({ image }: Specimen): () => void {
    const end = new LinkEnd<RescuerEvent>({ baud: BAUD, rtoFloorMs: 10 });
    const now = this.#clock.now();
    const options = {
      random: this.#random,
      nodeId: randomBytes(this.#random, 8),
      bootNonce: randomBytes(this.#random, 8),
    };
    const rescuer = end.exchange(now, (host) => new RescuerRole(now, host, options));
    const images = new PickedImages();
    return this.#drive(end, this.#attacker.wrap(this.#ends[1], false), (event: RescuerEvent) => {
      if (this.#say && event.tag !== "progress") this.#say(`${this.#at()} rescuer ${describe(event)}`);
      if (event.tag === "pick") images.answer(this.#clock.now(), rescuer, event.session, image);
      else images.apply(this.#clock.now(), event, rescuer);
    });
  }

  #at(): string {
    return this.#clock.now().toFixed(1).padStart(9);
  }
}

function describe(event: TargetEvent | RescuerEvent): string {
  const why = "why" in event ? event.why : "";
  const detail = "detail" in event ? event.detail : "";
  return `${event.tag} ${"reason" in event ? event.reason : why} ${detail}`.trimEnd();
}
