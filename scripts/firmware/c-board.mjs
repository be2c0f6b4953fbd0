// Boards of the C code for the power-cut laboratory: each start is a fresh instance of the module, over the laboratory's flash.
// Needs dist/ to be built.
import "../../dist/crypto/use-node-crypto.js";
import { hash } from "node:crypto";
import { NorFlash } from "../../dist/flash/nor-flash.js";
import { VerifiedBlock } from "../../dist/flash/verified-block.js";
import { checkSignature } from "../../dist/image/ed25519.js";
import { leafHash } from "../../dist/image/merkle.js";
import { CutFlash } from "../../dist/sim/power-cuts/power-cut.js";
import { isRecordEntry } from "../../dist/sim/power-cuts/tortured-board.js";

const PLACE_SIZE = 1024;
/** Of PAGE in firmware-stubs/tests/wasm/board.c. */
const PAGE_SIZE = 4096;
const NOWHERE = 0xffff_ffff;
const SIGNATURE_RIGHT = 0x6ad3952c;
const SIGNATURE_WRONG = 0x952c6ad3;
/** By their codes (PROTOCOL.md 5.2). */
const FAILURES = [
  ...[undefined, "empty", "receiving", "hash", "signature"],
  ...["manifest", "counter", "hardware", "reverted"],
];
const [WRITTEN, MISMATCH] = [0, 1];

/** Verdicts by key, signature and message: the same few are asked for at every start. */
const verdicts = new Map();
/** Blocks by image. */
const known = new WeakMap();

/** Makes boards of a compiled module. */
export function cBoards(module) {
  return (bench, storage, see) => new CBoard(module, bench, storage, see);
}

class CBoard {
  #bench;
  #flash;
  #c;
  /** The module's memory, which does not grow. */
  #memory;
  #storage;
  /** Bytes of the envelope that was sent. */
  #length = 0;

  constructor(module, bench, storage, see) {
    const { map } = bench;
    this.#bench = bench;
    this.#storage = storage;
    this.#flash = new CutFlash(new NorFlash(storage, map), storage, see, (region) =>
      isRecordEntry(map, region),
    );
    this.#flash.arm(...map.record, ...map.manifests, ...map.slots);
    const imports = {
      page: (offset, at) => this.#page(offset >>> 0, at),
      read: (offset, at, length) => this.#read(offset >>> 0, at, length),
      erase: (offset, length) => this.#erase(offset >>> 0, length),
      program: (offset, at, length) => this.#program(offset >>> 0, at, length),
      hash: (at, length, out) => this.#put(out, hash("sha256", this.#view(at, length), "buffer")),
      verify: (key, signature, message, length) => this.#verify(key, signature, message, length),
    };
    this.#c = new WebAssembly.Instance(module, { host: imports }).exports;
    this.#memory = new Uint8Array(this.#c.memory.buffer);
    this.#configure();
    const fault = this.#c.open();
    if (fault !== 0)
      throw new Error(fault === 1 ? "the C code takes no such layout" : "the board does not open");
  }

  get slots() {
    const all = this.#bench.map.slots.map((_, slot) => slot);
    return all.filter((slot) => this.#c.slot_field(slot, 0) === 1).map((slot) => this.#slot(slot));
  }

  get floor() {
    return this.#c.floor() >>> 0;
  }

  decide() {
    this.#c.decide();
    return this.#outcome();
  }

  attempt() {
    if (!this.#c.attempt()) throw new Error("a boot could not be counted");
    return this.#outcome();
  }

  confirm() {
    if (!this.#c.confirm()) throw new Error("nothing could be confirmed");
    return this.#bytes(this.#c.digest(), 32);
  }

  verify({ slot }) {
    return FAILURES[this.#c.verify_slot(slot)];
  }

  manifestRegion(area) {
    const { manifests } = this.#bench.map;
    if (manifests.length > 0) return manifests[area];
    const offset = this.#c.place(area) >>> 0;
    return offset === NOWHERE ? undefined : { offset, size: PLACE_SIZE };
  }

  addEntry() {
    if (!this.#c.add_entry()) throw new Error("an entry could not be added");
  }

  receiver() {
    this.#c.decide();
    return this;
  }

  status() {
    const digest = (at) => (at === 0 ? undefined : this.#bytes(at, 8));
    return {
      counterFloor: this.#c.status_floor() >>> 0,
      receivingDigest8: digest(this.#c.receiving()),
      installedDigest8: digest(this.#c.installed()),
    };
  }

  accepts({ source }) {
    this.#put(this.#c.envelope(), source.envelope);
    this.#put(this.#c.hash(), source.digest);
    return this.#c.judge(source.envelope.length, this.#c.hash()) === 0;
  }

  /** What a session does that has the whole tree at hand: unit by unit, the blocks of each in ascending order. */
  receive(image, enough = Infinity) {
    const c = this.#c;
    const blocks = blocksOf(image);
    c.writer_open();
    let sent = 0;
    for (let first = 0, end = 0; first < blocks.length; first = end) {
      end = c.unit_end(first) >>> 0;
      const isTouched = c.is_touched(first) === 1;
      const unit = blocks.slice(first, end);
      const missing = unit.filter(({ index, hash }) => {
        this.#put(c.hash(), hash);
        return c.has(0, index) === 0;
      });
      const wanted = missing.length > 0 && !isTouched ? unit : missing;
      for (const { index, hash, bytes, isFill } of wanted) {
        this.#put(c.hash(), hash);
        const isCopied = c.copy(index) === 1;
        if (!isCopied && !isFill && sent++ >= enough) return false;
        if (c.begin(image.source.envelope.length) === 0) throw new Error("the board cannot begin");
        if (!isCopied) this.#put(c.block(), bytes);
        const written = c.write(index);
        if (written !== WRITTEN)
          throw new Error(written === MISMATCH ? "a right block is refused" : "a write failed");
      }
      if (wanted.length > 0 || isTouched) c.unit_done(first);
    }
    this.#length = image.source.envelope.length;
    return true;
  }

  commit() {
    return FAILURES[this.#c.commit(this.#length)];
  }

  abandon() {
    this.#c.leave();
  }

  #outcome() {
    const c = this.#c;
    const reason = FAILURES[c.failure()];
    if (reason !== undefined) return { tag: "recovery", reason };
    return { tag: "boot", slot: c.slot(), isTrial: c.is_trial() === 1, digest: this.#bytes(c.digest(), 32) };
  }

  #slot(slot) {
    const field = (i) => this.#c.slot_field(slot, i) >>> 0;
    return {
      slot,
      digest: this.#bytes(this.#c.slot_digest(slot), 32),
      isConfirmed: field(1) === 1,
      isReverted: field(2) === 1,
      ...(field(3) === 1 ? { isUnproven: true } : {}),
      attempts: field(4),
      area: field(5),
      rank: field(6),
    };
  }

  #configure() {
    const c = this.#c;
    const { map, identity, policy, case: tortured } = this.#bench;
    const { recoverySize = 16_384, manifests } = tortured.geometry;
    for (const [run, { count, size }] of map.sectors.runs.entries()) c.sectors(run, count, size);
    const isInRecord = manifests === "record";
    c.layout(map.layout === "ab", isInRecord, map.erasedByte, map.writeSize, recoverySize, map.slotSize);
    const text = new TextEncoder();
    this.#put(c.name(0), text.encode(identity.hardware.vendor));
    this.#put(c.name(1), text.encode(identity.hardware.hardwareClass));
    this.#put(c.key(), policy.keys[0].publicKey);
  }

  #bytes(at, length) {
    return this.#memory.slice(at, at + length);
  }

  #put(at, bytes) {
    this.#memory.set(bytes, at);
  }

  #view(at, length) {
    return this.#memory.subarray(at, at + length);
  }

  /** Hands over the bytes of a page, unless one of its bits reads at random. */
  #page(offset, at) {
    const size = PAGE_SIZE;
    if (offset + size > this.#storage.size || this.#storage.isTorn({ offset, size })) return 0;
    this.#storage.copySettled(offset, this.#view(at, size));
    return 1;
  }

  #read(offset, at, length) {
    this.#put(at, this.#flash.read(offset, length));
    return 1;
  }

  #erase(offset, length) {
    const { sectors } = this.#flash.map;
    const sector = sectors.at(offset);
    const region = sectors.region(sector);
    if (region.offset !== offset || region.size !== length)
      throw new Error(`no sector has ${length} bytes at ${offset}`);
    this.#flash.erase(sector);
    return 1;
  }

  #program(offset, at, length) {
    const bytes = this.#bytes(at, length);
    const isSlot = this.#bench.map.slots.some(
      (slot) => offset >= slot.offset && offset < slot.offset + slot.size,
    );
    // The stage looks whether they are an image's; this says only where they go.
    if (isSlot)
      this.#flash.programVerified(
        offset,
        VerifiedBlock.check(bytes, leafHash(bytes), leafHash, this.#flash.map),
      );
    else this.#flash.program(offset, bytes);
    return 1;
  }

  #verify(...args) {
    const [key, signature, message] = [
      [args[0], 32],
      [args[1], 64],
      [args[2], args[3]],
    ].map(([at, length]) => this.#bytes(at, length));
    const name = Buffer.concat([key, signature, message]).toString("latin1");
    const isRight = verdicts.get(name) ?? checkSignature(key, message, signature) === undefined;
    verdicts.set(name, isRight);
    return isRight ? SIGNATURE_RIGHT : SIGNATURE_WRONG;
  }
}

function blocksOf(image) {
  const made = known.get(image) ?? makeBlocks(image);
  known.set(image, made);
  return made;
}

function makeBlocks({ source }) {
  return Array.from({ length: source.manifest.leafCount }, (_, index) => {
    const bytes = source.readBlockSync(index);
    // Blocks of one byte need not be sent.
    const isFill = (bytes[0] === 0x00 || bytes[0] === 0xff) && bytes.every((byte) => byte === bytes[0]);
    return { index, bytes, hash: leafHash(bytes), isFill };
  });
}
