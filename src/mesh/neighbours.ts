import { assert } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import type { BootFailure } from "../base/refusal.ts";
import type { Millis } from "../base/units.ts";
import type { Beacon, WireVersion } from "../wire/messages.ts";
import { TRICKLE_MAX_MS } from "./trickle.ts";

const PER_LINK_MAX = 8;
const TOTAL_MAX = 64;
/** A node whose beacons lie this far apart is established: it does not give way to a newcomer. */
const ESTABLISHED_MS: Millis = 1_000;
/** A node that is there is heard once in each of its longest intervals. After two without it may give way again. */
const SILENT_MS: Millis = 2 * TRICKLE_MAX_MS;

/** What the beacons of a node on one link said. Not proven: anyone on the wire can send a beacon. */
export interface Neighbour {
  readonly link: number;
  readonly nodeId: Uint8Array;
  readonly bootNonce: Uint8Array;
  readonly isBootable: boolean;
  /** It holds images for others but no firmware that could be updated over this link. */
  readonly isProvider: boolean;
  /** Its installed image is on trial. */
  readonly isTrial: boolean;
  readonly wantsUpdate: boolean;
  /** First 8 bytes of SHA-256 over "vendor/class". */
  readonly hardwareId: Uint8Array;
  readonly version: WireVersion;
  /** 0 to 2^48 - 1. */
  readonly sequence: number;
  /** Short digests, 8 bytes. */
  readonly installedDigest: Uint8Array | undefined;
  readonly receivingDigest: Uint8Array | undefined;
  /** Why it does not boot; undefined when it does. */
  readonly failure: BootFailure | undefined;
  readonly firstHeardAt: Millis;
  readonly heardAt: Millis;
  /** Beacons heard since `firstHeardAt`, over all its restarts. */
  readonly beacons: number;
}

/** What a beacon told. */
export interface NeighbourNews {
  /**
   * `restarted`: the node has another boot nonce, whatever else changed. `changed`: another status. `ignored`: there is no room
   * for it.
   */
  readonly tag: "new" | "restarted" | "changed" | "same" | "ignored";
  /** Its id was last heard on another link, with a boot nonce that came after this one: a copied board. */
  readonly isCopied: boolean;
}

export interface NeighboursOptions {
  /** Most nodes that are remembered of one link; 8 by default. */
  readonly perLinkMax?: number;
  /** Most nodes that are remembered in all; 64 by default. */
  readonly total?: number;
}

/** The part of it that one beacon says. */
type Said = Omit<Neighbour, "link" | "firstHeardAt" | "heardAt" | "beacons">;

interface Known {
  readonly neighbour: Neighbour;
  /** The boot nonce before the present one, on whichever link. */
  readonly formerNonce: Uint8Array | undefined;
}

/**
 * What a node knows of its neighbours: a table of fixed size that is filled from beacons only. A node that is heard on two links
 * stands in it twice.
 *
 * Invented ids cannot flush it: a newcomer takes a free place, or that of the node unheard for longest among those that were not
 * heard over at least a second, or have been silent for more than twice the longest Trickle interval. Else it is ignored.
 */
export class Neighbours {
  readonly #perLinkMax: number;
  readonly #total: number;
  /** The longest unheard first. */
  readonly #known: Known[] = [];

  constructor(options: NeighboursOptions = {}) {
    const { perLinkMax = PER_LINK_MAX, total = TOTAL_MAX } = options;
    assert(perLinkMax >= 1 && total >= 1, `${total} neighbours, ${perLinkMax} of a link`);
    this.#perLinkMax = perLinkMax;
    this.#total = total;
  }

  /** Takes in a beacon that was heard on a link. Copies what it keeps. */
  note(now: Millis, link: number, beacon: Beacon): NeighbourNews {
    const { nodeId, bootNonce } = beacon;
    const last = this.#known.findLast(({ neighbour }) => equalBytes(neighbour.nodeId, nodeId));
    const isCopied =
      last?.formerNonce !== undefined &&
      last.neighbour.link !== link &&
      equalBytes(last.formerNonce, bootNonce);
    const formerNonce =
      last !== undefined && equalBytes(last.neighbour.bootNonce, bootNonce)
        ? last.formerNonce
        : last?.neighbour.bootNonce;

    const index = this.#indexOf(link, nodeId);
    const before = this.#known[index]?.neighbour;
    if (before === undefined && !this.#makeRoom(now, link)) return { tag: "ignored", isCopied };
    if (before !== undefined) this.#known.splice(index, 1);
    const said = viewOf(beacon);
    const tag = before === undefined ? "new" : newsOf(before, said);
    const firstHeardAt = before?.firstHeardAt ?? now;
    const beacons = (before?.beacons ?? 0) + 1;
    // Most beacons say what is known: nothing is copied again.
    const kept = before !== undefined && tag === "same" ? before : copyOf(said);
    this.#known.push({ neighbour: { ...kept, link, firstHeardAt, heardAt: now, beacons }, formerNonce });
    return { tag, isCopied };
  }

  /** The node with this id on a link, if it is known there. */
  get(link: number, nodeId: Uint8Array): Neighbour | undefined {
    return this.#known[this.#indexOf(link, nodeId)]?.neighbour;
  }

  /** The nodes of a link, the longest unheard first. */
  of(link: number): Neighbour[] {
    return this.all().filter((neighbour) => neighbour.link === link);
  }

  /** All nodes of all links, the longest unheard first. */
  all(): Neighbour[] {
    return this.#known.map(({ neighbour }) => neighbour);
  }

  /** Forgets the nodes of a link: it is gone, or has another end. */
  forget(link: number): void {
    const others = this.#known.filter(({ neighbour }) => neighbour.link !== link);
    this.#known.splice(0, this.#known.length, ...others);
  }

  #indexOf(link: number, nodeId: Uint8Array): number {
    return this.#known.findIndex(
      ({ neighbour }) => neighbour.link === link && equalBytes(neighbour.nodeId, nodeId),
    );
  }

  /** Whether a newcomer on this link has a place now. On a full link only one of its own nodes gives way. */
  #makeRoom(now: Millis, link: number): boolean {
    const isLinkFull = this.of(link).length >= this.#perLinkMax;
    if (!isLinkFull && this.#known.length < this.#total) return true;
    const index = this.#known.findIndex(
      ({ neighbour }) => (!isLinkFull || neighbour.link === link) && mayGiveWay(now, neighbour),
    );
    if (index < 0) return false;
    this.#known.splice(index, 1);
    return true;
  }
}

/** Whether its beacons lie at least a second apart. A link has few places for such nodes, which nobody takes from them. */
export function isEstablished({ firstHeardAt, heardAt }: Neighbour): boolean {
  return heardAt - firstHeardAt >= ESTABLISHED_MS;
}

/** Whether it was not heard for so long that it is not there any more. */
export function isSilent(now: Millis, { heardAt }: Neighbour): boolean {
  return now - heardAt > SILENT_MS;
}

function mayGiveWay(now: Millis, neighbour: Neighbour): boolean {
  return !isEstablished(neighbour) || isSilent(now, neighbour);
}

/** What a beacon says, as views of the received bytes. */
function viewOf(beacon: Beacon): Said {
  return {
    nodeId: beacon.nodeId,
    bootNonce: beacon.bootNonce,
    isBootable: beacon.failure === undefined,
    isProvider: beacon.isProvider,
    isTrial: beacon.isTrial === true,
    wantsUpdate: beacon.wantsUpdate === true,
    hardwareId: beacon.hardwareId,
    version: beacon.version,
    sequence: beacon.sequence,
    installedDigest: beacon.installedDigest,
    receivingDigest: beacon.receivingDigest,
    failure: beacon.failure,
  };
}

function copyOf(said: Said): Said {
  return {
    ...said,
    nodeId: said.nodeId.slice(),
    bootNonce: said.bootNonce.slice(),
    hardwareId: said.hardwareId.slice(),
    version: { ...said.version },
    installedDigest: said.installedDigest?.slice(),
    receivingDigest: said.receivingDigest?.slice(),
  };
}

function newsOf(before: Said, now: Said): "restarted" | "changed" | "same" {
  if (!equalBytes(before.bootNonce, now.bootNonce)) return "restarted";
  const isSame =
    before.failure === now.failure &&
    before.isProvider === now.isProvider &&
    before.isTrial === now.isTrial &&
    before.wantsUpdate === now.wantsUpdate &&
    equalBytes(before.hardwareId, now.hardwareId) &&
    isSameVersion(before.version, now.version) &&
    before.sequence === now.sequence &&
    isSameDigest(before.installedDigest, now.installedDigest) &&
    isSameDigest(before.receivingDigest, now.receivingDigest);
  return isSame ? "same" : "changed";
}

function isSameVersion(a: WireVersion, b: WireVersion): boolean {
  return a.major === b.major && a.minor === b.minor && a.patch === b.patch;
}

function isSameDigest(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalBytes(a, b);
}
