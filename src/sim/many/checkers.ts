import { concatBytes, toHex } from "../../base/bytes.ts";
import { compareOrder } from "../../base/order.ts";
import type { Millis } from "../../base/units.ts";
import type { Flash } from "../../flash/nor-flash.ts";
import type { ImageSource } from "../../image/image-source.ts";
import type { NodeEvent } from "../../node/node-event.ts";
import { FlashOracle, type Original, originalIn } from "../flash-oracle.ts";
import type { SimBoard } from "./sim-board.ts";

/** A board may have been heard, or offered something, before it changed: for this long that is no defect. */
const STALE_MS: Millis = 3_000;

/** What a board does, as its events tell it. */
interface Seen {
  /** Links on which it is the target. */
  readonly targets: Set<string>;
  /** The link over which it is served. */
  servedOn: string | undefined;
  /** What it booted last, and when. */
  booted: { readonly image: ImageSource; readonly at: Millis } | undefined;
}

/** What the checkers need of the world. */
export interface CheckedWorld {
  readonly boards: readonly SimBoard[];
}

/**
 * Looks at each change of a world for what may never be: bytes in flash that are in no signed image, an image started that is
 * not whole, two rescuers at once, a version that goes back, an image handed to a board that has it.
 */
export class Checkers {
  readonly violations: string[] = [];
  /** Changes that were looked at. */
  checks = 0;
  readonly #images: readonly ImageSource[];
  readonly #originals: readonly Original[];
  readonly #now: () => Millis;
  readonly #seen: Map<number, Seen> = new Map();
  readonly #oracles: { readonly board: number; readonly oracle: FlashOracle; reported: number }[] = [];

  /** `images`: all that are signed by a key that the boards trust. */
  constructor(images: readonly ImageSource[], now: () => Millis) {
    this.#images = [...new Set(images)];
    this.#now = now;
    this.#originals = this.#images.map((image) => {
      const blocks = Array.from({ length: image.manifest.leafCount }, (_, i) => image.readBlockSync(i));
      return { name: toHex(image.digest), data: concatBytes(...blocks), digest: image.digest };
    });
  }

  #object(board: number, what: string): void {
    this.violations.push(`${(this.#now() / 1000).toFixed(3)} s: board ${board} ${what}`);
  }

  /** The flash of a board from now on. */
  wrapFlash(board: number, flash: Flash): Flash {
    const oracle = new FlashOracle(flash, this.#originals);
    this.#oracles.push({ board, oracle, reported: 0 });
    return oracle;
  }

  /** Takes up what was written to flash and should not have been. */
  checkFlash(): void {
    for (const entry of this.#oracles) {
      const { board, oracle } = entry;
      for (; entry.reported < oracle.violations.length; entry.reported++)
        this.#object(board, oracle.violations[entry.reported] ?? "");
    }
  }

  #of(board: number): Seen {
    let seen = this.#seen.get(board);
    if (seen === undefined) {
      seen = { targets: new Set(), servedOn: undefined, booted: undefined };
      this.#seen.set(board, seen);
    }
    return seen;
  }

  /** The board lost its power: what it was doing is over. */
  notePowerOff(board: number): void {
    const seen = this.#of(board);
    seen.targets.clear();
    seen.servedOn = undefined;
  }

  /** Takes every event of every board. */
  note(board: number, event: NodeEvent, world: CheckedWorld): void {
    this.checks++;
    const seen = this.#of(board);
    switch (event.event) {
      case "role":
        if (event.role === "target") seen.targets.add(event.link);
        else this.#leave(seen, event.link);
        return;
      case "offer":
        if (seen.targets.has(event.link)) this.#checkOneRescuer(board, seen, event.link);
        else this.#checkIsNeeded(board, event, world);
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

  #checkOneRescuer(board: number, seen: Seen, link: string): void {
    if (seen.servedOn !== undefined && seen.servedOn !== link)
      this.#object(board, `is served over ${seen.servedOn} and ${link} at once`);
    seen.servedOn = link;
  }

  /** An offer to a board that has had this image, or a newer one, for longer than a frame travels. */
  #checkIsNeeded(
    board: number,
    { link, digest }: Extract<NodeEvent, { event: "offer" }>,
    { boards }: CheckedWorld,
  ): void {
    const peer = Number(link.split("-")[1]);
    const { booted } = this.#of(peer);
    if (booted === undefined || this.#now() - booted.at < STALE_MS) return;
    if (boards[peer]?.store?.status().isBootable !== true) return;
    const offered = this.#images.find((image) => toHex(image.digest).startsWith(digest));
    if (offered !== undefined && compareOrder(offered.manifest, booted.image.manifest) > 0) return;
    this.#object(board, `offers ${digest} to board ${peer}, which boots that or a newer one`);
  }

  #checkBooted(board: number, seen: Seen, digest: string, { boards }: CheckedWorld): void {
    this.checkFlash();
    const image = this.#images.find((other) => toHex(other.digest) === digest);
    if (image === undefined) {
      this.#object(board, `starts ${digest}, which nobody signed`);
      return;
    }
    const parts = boards[board]?.open().parts;
    const slots = parts?.flash.map.slots ?? [];
    const isWhole = slots.some((slot) => {
      const bytes = parts?.flash.read(slot.offset, image.manifest.size);
      return bytes !== undefined && originalIn(bytes, image.digest, this.#originals) !== undefined;
    });
    if (!isWhole) this.#object(board, `starts ${digest}, which is not whole in its flash`);
    if (seen.booted !== undefined && compareOrder(image.manifest, seen.booted.image.manifest) < 0)
      this.#object(board, `went back to ${digest}`);
    seen.booted = { image, at: this.#now() };
  }
}
