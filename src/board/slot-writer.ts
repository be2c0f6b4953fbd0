import { equalBytes } from "../base/bytes.ts";
import { HASH_LENGTH } from "../base/digest.ts";
import {
  type BlockRange,
  leavesBelow,
  type RunOutcome,
  rootNode,
  runChildren,
  type TreeNode,
} from "../base/tree-shape.ts";
import { erasedBytes, firstUnprogrammable, isErased, type Region } from "../flash/geometry.ts";
import { type SectorRange, touchesRange } from "../flash/record/sector-ranges.ts";
import { VerifiedBlock } from "../flash/verified-block.ts";
import type { Manifest } from "../image/manifest.ts";
import { foldRun, leafHash } from "../image/merkle.ts";
import type { BoardParts } from "./board-parts.ts";
import { KnownHashes } from "./known-hashes.ts";
import { LocalLeaves } from "./local-leaves.ts";
import { RepairUnits } from "./repair-units.ts";

/** What was done with a block. */
export type WriteOutcome = "written" | "mismatch" | "failed";

/** Byte values that blocks are compared with: uniform blocks of these are written without asking for data. */
const FILLS = [0x00, 0xff] as const;

/** States of a repair unit: not to be changed, to be changed, begun, complete. */
const Unit = { clean: 0, dirty: 1, touched: 2, done: 3 } as const;

/**
 * Writes one image into one slot: compares what the slot holds with the image's tree, says what it needs, and writes
 * verified blocks, a repair unit at a time. Installing, resuming and repairing only differ in how much it needs.
 *
 * A unit in which any block differs is erased, so that all its blocks are needed, also those that were equal.
 */
export class SlotWriter {
  readonly manifest: Manifest;
  readonly units: RepairUnits;
  /** The hashes of the image's tree that were checked against its root so far. */
  readonly hashes: KnownHashes;
  readonly #parts: BoardParts;
  readonly #begin: () => void;
  readonly #sources: readonly LocalLeaves[];
  readonly #sourceUnits: readonly RepairUnits[];
  readonly #local: LocalLeaves;
  readonly #isWritten: Uint8Array;
  readonly #unitState: Uint8Array;
  readonly #unwritten: Map<number, number> = new Map();
  /** Sectors that a cut may have left torn: their units are rewritten even if their hashes are right. */
  readonly #suspect: readonly SectorRange[];
  /**
   * Completed units that the record still has as open: closed together with the next entry, which saves an entry
   * each.
   */
  readonly #closing: SectorRange[] = [];

  /**
   * `begin` writes "receiving" into the boot record. It is called before anything in the slot changes, and may be
   * called again. `otherSlots` are only read: blocks that are found there need not come over the wire.
   */
  constructor(
    parts: BoardParts,
    slot: Region,
    otherSlots: readonly Region[],
    manifest: Manifest,
    begin: () => void,
  ) {
    const { map } = parts.flash;
    this.#parts = parts;
    this.manifest = manifest;
    this.#begin = begin;
    this.units = new RepairUnits(map, slot, manifest);
    this.#local = new LocalLeaves(parts.flash, this.units, manifest.leafCount);
    this.#sourceUnits = otherSlots.map((other) => new RepairUnits(map, other, manifest));
    this.#sources = this.#sourceUnits.map((units) => new LocalLeaves(parts.flash, units, manifest.leafCount));
    this.hashes = new KnownHashes(manifest);
    this.#isWritten = new Uint8Array(manifest.leafCount);
    this.#unitState = new Uint8Array(this.units.unitCount);
    this.#suspect = parts.record.state.openSectors;
    this.hashes.learn(rootNode(manifest.leafCount), manifest.root);
  }

  /** Compares the whole slot with the root, and returns what to ask for first. */
  start(): RunOutcome {
    return this.#consider([rootNode(this.manifest.leafCount)]);
  }

  /** Takes the child hashes of a node, joined, in the order of its run. */
  checkRun(node: TreeNode, hashes: Uint8Array): RunOutcome {
    const { leafCount } = this.manifest;
    const expected = this.hashes.of(node);
    if (expected === undefined || node.level === 0) return { tag: "bad" };
    const children = runChildren(leafCount, node);
    if (hashes.length !== children.length * HASH_LENGTH) return { tag: "bad" };
    if (!equalBytes(foldRun(hashes), expected)) return { tag: "bad" };
    for (const [i, child] of children.entries()) {
      this.hashes.learn(child, hashes.slice(i * HASH_LENGTH, (i + 1) * HASH_LENGTH));
    }
    return this.#consider(children);
  }

  /** Takes the claim that every byte below a node is `byte`. */
  checkUniform(node: TreeNode, byte: number): RunOutcome {
    const expected = this.hashes.of(node);
    if (expected === undefined || !equalBytes(this.hashes.uniform(node, byte), expected))
      return { tag: "bad" };
    const due: number[] = [];
    this.#learnUniform(node, byte, due);
    return this.#settle([], due, byte);
  }

  /**
   * Takes the data of a block: verifies it in RAM, marks and erases the unit where needed, programs, and reads back.
   */
  writeBlock(index: number, bytes: Uint8Array): WriteOutcome {
    const expected = this.hashes.of({ level: 0, index });
    if (expected === undefined || bytes.length !== this.units.block(index).size) return "mismatch";
    const block = VerifiedBlock.check(bytes, expected, leafHash, this.#parts.flash.map);
    if (block === undefined) return "mismatch";
    const unit = this.units.unitOf(index);
    const state = this.#unitState[unit];
    if (this.#isWritten[index] === 1 || state === Unit.clean || state === Unit.done) return "written";
    if (state === Unit.dirty) this.#touch(unit, block);
    const { flash } = this.#parts;
    if (!isErased(flash.map, block.padded)) flash.programVerified(this.units.block(index).offset, block);
    if (!equalBytes(this.#local.readLeaf(index), expected)) return "failed";
    this.#local.set(index, expected);
    this.#isWritten[index] = 1;
    this.#countDown(unit);
    return "written";
  }

  /** A block that the slot holds, if its hash is known and right now. */
  readHeld(index: number): Uint8Array | undefined {
    const expected = this.hashes.of({ level: 0, index });
    if (expected === undefined) return undefined;
    const { offset, size } = this.units.block(index);
    const bytes = this.#parts.flash.read(offset, size);
    return equalBytes(leafHash(bytes), expected) ? bytes : undefined;
  }

  /**
   * Of these blocks those that the slot holds, as far as their hashes are known; none that will be erased. Reads those that were
   * not read yet.
   */
  heldIn({ first, count }: BlockRange): BlockRange[] {
    const ranges: { first: number; count: number }[] = [];
    for (let index = first; index < first + count; index++) {
      if (!this.#isHeld(index)) continue;
      const last = ranges.at(-1);
      if (last !== undefined && last.first + last.count === index) last.count++;
      else ranges.push({ first: index, count: 1 });
    }
    return ranges;
  }

  #isHeld(index: number): boolean {
    if (this.#isWritten[index] === 1) return true;
    const expected = this.hashes.of({ level: 0, index });
    const state = this.#unitState[this.units.unitOf(index)];
    if (expected === undefined || state === Unit.dirty || state === Unit.touched) return false;
    return equalBytes(this.#local.leaf(index), expected);
  }

  /** Writes to the record that completed units are closed. */
  flushClosed(): void {
    for (let close = this.#closing.shift(); close !== undefined; close = this.#closing.shift()) {
      this.#parts.record.append({ tag: "sectors", close });
    }
  }

  /** Closes all sectors of the image, after it was verified in flash. */
  closeAll(): void {
    this.#closing.length = 0;
    const close = this.units.allSectors();
    if (!touchesRange(this.#parts.record.state.openSectors, close)) return;
    this.#parts.record.append({ tag: "sectors", close });
  }

  /** Whether no unit is half written, waiting or suspect. Does not mean that all of the image was compared. */
  isSettled(): boolean {
    return this.#unitState.every((state, unit) => {
      if (state === Unit.clean) return !touchesRange(this.#suspect, this.units.sectors(unit));
      return state === Unit.done;
    });
  }

  /** Sorts nodes with a known hash: equal in the slot, uniform by its own hash, or to be asked for. */
  #consider(nodes: readonly TreeNode[]): RunOutcome {
    const ask: TreeNode[] = [];
    const due: number[] = [];
    for (const node of nodes) {
      const expected = this.hashes.of(node);
      if (expected === undefined) continue;
      if (node.level === 0) {
        this.#noteLeaf(node.index, due);
      } else if (equalBytes(this.#local.node(node), expected)) {
        this.#learnEqual(node, due);
      } else {
        const fill = FILLS.find((byte) => equalBytes(this.hashes.uniform(node, byte), expected));
        if (fill === undefined) ask.push(node);
        else this.#learnUniform(node, fill, due);
      }
    }
    return this.#settle(ask, due);
  }

  #learnEqual(node: TreeNode, due: number[]): void {
    const { first, count } = leavesBelow(this.manifest.leafCount, node);
    for (let i = first; i < first + count; i++) {
      this.hashes.learn({ level: 0, index: i }, this.#local.leaf(i));
      this.#noteLeaf(i, due);
    }
  }

  #learnUniform(node: TreeNode, byte: number, due: number[]): void {
    const { first, count } = leavesBelow(this.manifest.leafCount, node);
    for (let i = first; i < first + count; i++) {
      const leaf = { level: 0, index: i };
      this.hashes.learn(leaf, this.hashes.uniform(leaf, byte));
      this.#noteLeaf(i, due);
    }
  }

  /** Takes note that a leaf hash is known, and adds to `due` the blocks of its unit that must now be written. */
  #noteLeaf(index: number, due: number[]): void {
    const unit = this.units.unitOf(index);
    if (this.#unitState[unit] === Unit.clean) {
      if (!this.#differs(index, unit)) return;
      this.#unitState[unit] = Unit.dirty;
      const { first, end } = this.units.blocks(unit);
      this.#unwritten.set(unit, end - first);
      for (let i = first; i < end; i++) if (this.hashes.hasLeaf(i)) due.push(i);
    } else if (this.#unitState[unit] !== Unit.done && this.#isWritten[index] !== 1) {
      due.push(index);
    }
  }

  #differs(index: number, unit: number): boolean {
    if (touchesRange(this.#suspect, this.units.sectors(unit))) return true;
    const expected = this.hashes.of({ level: 0, index });
    if (expected === undefined || !equalBytes(this.#local.leaf(index), expected)) return true;
    return index === this.manifest.leafCount - 1 && !this.#isTailErased();
  }

  #isTailErased(): boolean {
    const { offset, size } = this.units.tail();
    return isErased(this.#parts.flash.map, this.#parts.flash.read(offset, size));
  }

  /** Writes the due blocks whose content is known here, and returns the others as wanted. */
  #settle(nodes: readonly TreeNode[], due: readonly number[], byte?: number): RunOutcome {
    const blocks: number[] = [];
    for (const index of new Set(due)) {
      const content = this.#atHand(index, byte);
      const outcome = content === undefined ? "mismatch" : this.writeBlock(index, content);
      if (outcome === "failed") return { tag: "failed" };
      if (outcome === "mismatch") blocks.push(index);
    }
    return { tag: "good", nodes, blocks: blocks.sort((a, b) => a - b) };
  }

  /** The content of a block, if it is uniform or lies in another slot. */
  #atHand(index: number, byte: number | undefined): Uint8Array | undefined {
    const leaf = { level: 0, index };
    const expected = this.hashes.of(leaf);
    if (expected === undefined) return undefined;
    const fills = byte === undefined ? FILLS : [byte, ...FILLS];
    const fill = fills.find((candidate) => equalBytes(this.hashes.uniform(leaf, candidate), expected));
    if (fill !== undefined) return new Uint8Array(this.units.block(index).size).fill(fill);
    const source = this.#sources.findIndex((leaves) => equalBytes(leaves.leaf(index), expected));
    const at = this.#sourceUnits[source]?.block(index);
    return at === undefined ? undefined : this.#parts.flash.read(at.offset, at.size);
  }

  /** Called before the first write into a unit: from here on the record says that it may be torn. */
  #touch(unit: number, block: VerifiedBlock): void {
    const { flash, record } = this.#parts;
    this.#begin();
    const sectors = this.units.sectors(unit);
    const needsErase = touchesRange(this.#suspect, sectors) || !this.#isProgrammable(unit, block);
    record.append({ tag: "sectors", open: sectors, close: this.#closing.shift() });
    if (needsErase) for (let sector = sectors.first; sector <= sectors.last; sector++) flash.erase(sector);
    this.#unitState[unit] = Unit.touched;
  }

  /** Whether the unit can be written without an erase: it is blank, or its only block programs erased bits only. */
  #isProgrammable(unit: number, block: VerifiedBlock): boolean {
    const { offset, size } = this.units.extent(unit);
    const { flash } = this.#parts;
    const old = flash.read(offset, size);
    if (!this.units.isSingleBlock(unit)) return isErased(flash.map, old);
    const next = erasedBytes(flash.map, size);
    next.set(block.padded);
    return firstUnprogrammable(flash.map, old, next) < 0;
  }

  #countDown(unit: number): void {
    const left = (this.#unwritten.get(unit) ?? 1) - 1;
    this.#unwritten.set(unit, left);
    if (left > 0) return;
    this.#unwritten.delete(unit);
    this.#unitState[unit] = Unit.done;
    this.#closing.push(this.units.sectors(unit));
  }
}
