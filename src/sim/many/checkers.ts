import { concatBytes, toHex } from "../../base/bytes.ts";
import { compareOrder } from "../../base/order.ts";
import type { Millis } from "../../base/units.ts";
import type { Region } from "../../flash/geometry.ts";
import type { Flash } from "../../flash/nor-flash.ts";
import type { ImageSource } from "../../image/image-source.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import { FlashOracle, type Original, originalIn } from "../flash-oracle.ts";
import { GateChecks } from "./gate-checks.ts";
import type { SimBoard } from "./sim-board.ts";
import { NO_GATES, type SimGates } from "./sim-gates.ts";

/** A board may have been heard, or offered something, before it changed: for this long that is no defect. */
const STALE_MS: Millis = 3_000;
/** A board that has booted for so long, and is offered something newer, asked for it. */
const ASKED_AFTER_MS: Millis = 900;

type OfferEvent = Extract<NodeEvent, { event: "offer" }>;

/** What a board does, as its events tell it. */
interface Seen {
  /** Links on which it is the target. */
  readonly targets: Set<string>;
  /** The link over which it is served. */
  servedOn: string | undefined;
  /** What it booted last, and when. */
  booted: { readonly image: ImageSource; readonly at: Millis } | undefined;
  /** Looks at what this start of it writes to flash. */
  oracle: FlashOracle | undefined;
  /** Violations of the oracle that were taken up. */
  reported: number;
}

/** What the checkers need of the world. */
export interface CheckedWorld {
  readonly boards: readonly SimBoard[];
}

/** How often each rule was looked at: one that was never looked at has found nothing. */
export interface LookedAt {
  /** Bytes that went to flash and were compared with a signed image. */
  flashBytes: number;
  /** Images that were started. */
  starts: number;
  /** Sessions that a target accepted. */
  sessions: number;
  /** Offers to a board whose image was known. */
  offers: number;
  /** Boards whose flash was read at the end. */
  ends: number;
}

/**
 * Looks at each change of a world for what may never be: bytes in flash that are in no signed image, an image started that is
 * not whole, two rescuers at once, a version that goes back, an image handed to a board that has it.
 */
export class Checkers {
  readonly violations: string[] = [];
  readonly lookedAt: LookedAt = { flashBytes: 0, starts: 0, sessions: 0, offers: 0, ends: 0 };
  readonly #images: ReadonlyMap<string, ImageSource>;
  readonly #originals: readonly Original[];
  readonly #slots: readonly Region[];
  readonly #now: () => Millis;
  readonly #seen: Map<number, Seen> = new Map();
  readonly gates: GateChecks;

  /** `images`: all that are signed by a key that the boards trust. `slots`: of each board's flash. */
  constructor(
    images: readonly ImageSource[],
    slots: readonly Region[],
    now: () => Millis,
    gates: SimGates = NO_GATES,
  ) {
    this.gates = new GateChecks(gates, (board, what) => this.#object(board, what));
    this.#slots = slots;
    this.#images = new Map(images.map((image) => [toHex(image.digest), image]));
    this.#now = now;
    this.#originals = [...this.#images].map(([name, image]) => {
      const blocks = Array.from({ length: image.manifest.leafCount }, (_, i) => image.readBlockSync(i));
      return { name, data: concatBytes(...blocks), digest: image.digest };
    });
  }

  #object(board: number, what: string): void {
    this.violations.push(`${(this.#now() / 1000).toFixed(3)} s: board ${board} ${what}`);
  }

  /** The flash of a board from now on, instead of the one before. */
  wrapFlash(board: number, flash: Flash): Flash {
    const oracle = new FlashOracle(flash, this.#originals);
    this.#takeUp(board);
    const seen = this.#of(board);
    seen.oracle = oracle;
    seen.reported = 0;
    return oracle;
  }

  /** Takes up what this start of a board wrote to flash and should not have. */
  #takeUp(board: number): void {
    const seen = this.#of(board);
    const { oracle } = seen;
    if (oracle === undefined) return;
    for (; seen.reported < oracle.violations.length; seen.reported++)
      this.#object(board, oracle.violations[seen.reported] ?? "");
    this.lookedAt.flashBytes += oracle.bytesRight;
    oracle.bytesRight = 0;
  }

  #of(board: number): Seen {
    let seen = this.#seen.get(board);
    if (seen === undefined) {
      seen = { targets: new Set(), servedOn: undefined, booted: undefined, oracle: undefined, reported: 0 };
      this.#seen.set(board, seen);
    }
    return seen;
  }

  /** Whether a board is the target on one of its links. */
  isTarget(board: number, link: string): boolean {
    return this.#seen.get(board)?.targets.has(link) === true;
  }

  /** The board lost its power: what it was doing is over. */
  notePowerOff(board: number): void {
    this.#takeUp(board);
    this.gates.notePowerOff(board);
    const seen = this.#of(board);
    seen.oracle = undefined;
    seen.targets.clear();
    seen.servedOn = undefined;
  }

  /** The board was broken on purpose: what it ran before counts no more. */
  noteBroken(board: number): void {
    this.#of(board).booted = undefined;
  }

  /** Takes every event of every board. */
  note(board: number, event: NodeEvent, world: CheckedWorld): void {
    const seen = this.#of(board);
    switch (event.event) {
      case "role":
        if (event.role === "target") seen.targets.add(event.link);
        else this.#leave(seen, event.link);
        return;
      case "offer":
        if (seen.targets.has(event.link)) this.#checkAccepted(board, seen, event, world);
        else this.#checkIsNeeded(board, event, world);
        return;
      case "suspect":
        this.gates.noteSuspect(this.#now(), board, event);
        return;
      case "lost":
      case "refused":
      case "healed":
        if (seen.servedOn === event.link && seen.targets.has(event.link)) seen.servedOn = undefined;
        return;
      case "booted":
        this.#checkBooted(board, seen, event.digest, world);
        return;
      case "link":
        if (event.state === "crashed") this.#object(board, `crashed: ${event.detail ?? ""}`);
        return;
      default:
    }
  }

  #leave(seen: Seen, link: string): void {
    seen.targets.delete(link);
    if (seen.servedOn === link) seen.servedOn = undefined;
  }

  #checkAccepted(board: number, seen: Seen, event: OfferEvent, { boards }: CheckedWorld): void {
    this.#checkOneRescuer(board, seen, event.link);
    const target = boards[board];
    if (target !== undefined) this.gates.checkAsked(this.#now(), target, event);
  }

  #checkOneRescuer(board: number, seen: Seen, link: string): void {
    this.lookedAt.sessions++;
    if (seen.servedOn !== undefined && seen.servedOn !== link)
      this.#object(board, `is served over ${seen.servedOn} and ${link} at once`);
    seen.servedOn = link;
  }

  /** An offer to a board that has had this image, or a newer one, for longer than a frame travels. */
  #checkIsNeeded(board: number, event: OfferEvent, { boards }: CheckedWorld): void {
    const { link, digest } = event;
    const peer = peerOf(link);
    if (peer === undefined) return;
    this.lookedAt.offers++;
    const { booted } = this.#of(peer);
    if (booted === undefined || boards[peer]?.store?.status().isBootable !== true) return;
    const offered = [...this.#images].find(([name]) => name.startsWith(digest))?.[1];
    const isNewer = offered !== undefined && compareOrder(offered.manifest, booted.image.manifest) > 0;
    const bootedFor = this.#now() - booted.at;
    // A board that asks was heard for a second.
    if (isNewer && bootedFor >= ASKED_AFTER_MS)
      this.gates.checkOffered(this.#now(), board, event, this.#of(board).booted);
    if (isNewer || bootedFor < STALE_MS) return;
    this.#object(board, `offers ${digest} to board ${peer}, which boots that or a newer one`);
  }

  #checkBooted(board: number, seen: Seen, digest: string, world: CheckedWorld): void {
    this.#takeUp(board);
    this.lookedAt.starts++;
    const image = this.#images.get(digest);
    if (image === undefined) {
      this.#object(board, `starts ${digest}, which nobody signed`);
      return;
    }
    if (!this.#isWhole(board, image, world))
      this.#object(board, `starts ${digest}, which is not whole in its flash`);
    const before = seen.booted?.image;
    const isBack = before !== undefined && compareOrder(image.manifest, before.manifest) < 0;
    if (isBack && !hasFailed(world.boards[board], before)) this.#object(board, `went back to ${digest}`);
    const starting = world.boards[board];
    if (starting !== undefined) this.gates.checkStarted(this.#now(), starting, image);
    seen.booted = { image, at: this.#now() };
  }

  /** Whether a slot of the board holds an image, by a look at every byte. */
  #isWhole(board: number, image: ImageSource, { boards }: CheckedWorld): boolean {
    const storage = boards[board]?.storage;
    return this.#slots.some((slot) => {
      const bytes = storage?.read(slot.offset, image.manifest.size);
      return bytes !== undefined && originalIn(bytes, image.digest, this.#originals) !== undefined;
    });
  }

  /** All is said to be over and well: looks whether each board runs this image, by its flash and not by its events. */
  checkEnd(image: ImageSource, world: CheckedWorld): void {
    const digest = toHex(image.digest);
    for (const { number, store } of world.boards) {
      this.#takeUp(number);
      this.lookedAt.ends++;
      const installed = store?.status().isBootable === true ? store.status().installed : undefined;
      const isRunning = installed !== undefined && digest.startsWith(toHex(installed.digest8));
      if (!isRunning) this.#object(number, `is said to be well, and does not run ${digest}`);
      else if (!this.#isWhole(number, image, world))
        this.#object(number, `is said to be well, and ${digest} is not whole in its flash`);
    }
  }

  /** Rules that were never looked at, though boards were served. */
  unused(): (keyof LookedAt)[] {
    const names = Object.keys(this.lookedAt) as (keyof LookedAt)[];
    return names.filter((name) => this.lookedAt[name] === 0);
  }
}

/** The image failed to confirm on the board, which goes back then. */
function hasFailed(board: SimBoard | undefined, { digest }: ImageSource): boolean {
  const name = toHex(digest);
  const failed = board?.store?.status().failedConfirms ?? [];
  return failed.some(({ adviceDigest8, count }) => count > 0 && name.startsWith(toHex(adviceDigest8)));
}

/** The board at the other end of a link, which is named by both; undefined where no board is. */
export function peerOf(link: string): number | undefined {
  const peer = Number(link.slice(link.indexOf("-") + 1));
  return Number.isInteger(peer) ? peer : undefined;
}
