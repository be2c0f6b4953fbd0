import { isDeepStrictEqual } from "node:util";
import { concatBytes, toHex } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, randomChance, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { beaconOf, type NodeStatus } from "../../src/session/beacon.ts";
import { CHUNK_UNIT, Codec, ObjectKind } from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage, encodePacket, isSessionFrame } from "../../src/wire/frame.ts";
import { linkProofOf } from "../../src/wire/link-proof.ts";
import { type Frame, isMessage } from "../../src/wire/messages.ts";
import { mutated, pick } from "../fuzz/mutate.ts";
import { FRAME_TAGS, randomFrame } from "../fuzz/random-frame.ts";
import { encodeFrame, reseal } from "../fuzz/wire-parsers.ts";
import { breakSlots, NODE_ID, randomFlash, randomShape, sameSlots } from "./boards.ts";
import type { CSide } from "./c-side.ts";
import { randomImage } from "./images.ts";
import { type Kind, type Outcome, shown } from "./kind.ts";
import { recordByC, recordByTs } from "./record-state.ts";
import { SideLog } from "./session-log.ts";
import { type Peer, RealPeer, ScriptPeer } from "./session-peers.ts";
import { CTargetSide, type TargetShape, TsSide } from "./session-sides.ts";
import { isUnnamed } from "./unnamed.ts";

/** Frames of a session that both targets hear. */
const FRAMES = 20;
const KIB = 1024;

/** A session of both targets with the same rescuers. */
class Session {
  readonly #random: Random;
  readonly #shape: TargetShape;
  readonly #ts: TsSide;
  readonly #c: CTargetSide;
  readonly #logs: readonly [SideLog, SideLog];
  /** Offers of other block sizes than that of the shape, by their nonces. */
  readonly #unusual: Set<string> = new Set();
  readonly #peers: Peer[] = [];
  readonly #scripts: ScriptPeer[] = [];
  readonly #trace: (line: string) => void;
  #now: Millis = 1000;
  /** Frames on their way. */
  #pending: Uint8Array[] = [];
  #history: Uint8Array[] = [];
  #tags: number[] = [];
  #lastPacket = -1;
  #isBehind = false;
  /** Meanwhile a block came. */
  #isTakenByOne = false;
  #heard = 0;
  #bootNonce: Uint8Array = new Uint8Array(8);
  #nonces = 0;
  /** Sessions that came so far that a manifest was accepted. */
  accepted = 0;
  readonly input: number[] = [];

  constructor(random: Random, c: CSide, trace: (line: string) => void) {
    this.#random = random;
    this.#trace = trace;
    const isUsual = (nonce: Uint8Array): boolean => !this.#unusual.has(toHex(nonce));
    this.#logs = [new SideLog(isUsual), new SideLog(isUsual)];
    const board = randomShape(random, 0.1);
    const openBlocks = pick(random, [1, 1, 2, 4]);
    const payloadMax = pick(random, [32, 256, 1024, 1024, 4096]);
    this.#shape = { ...board, areFrames: randomChance(random, 0.5), payloadMax, openBlocks };
    const made = randomFlash(random, { ...this.#shape, values: [0x5a, 0x11], isOneBlockSize: true });
    if (randomChance(random, 0.65)) breakSlots(random, flashMap(board.geometry), made.bytes);
    const base = made.images.at(-1);
    // The C side counts its buffers in bytes, the TypeScript side in blocks. And the TypeScript side knows blocks of zeros and of
    // 0xFF by their hashes, and does not ask for them.
    const fits = {
      isOneBlockSize: true,
      values: [0x5a, 0x11],
      blockSize: this.#shape.blockSize,
      sizeMax: this.#shape.sizeMax > 40 * KIB ? 44 * KIB : Math.min(this.#shape.sizeMax, 9 * KIB),
    };
    const again = base !== undefined && randomChance(random, 0.5) ? base : undefined;
    trace(`${shown(this.#shape.geometry)}, blocks of ${this.#shape.blockSize}`);
    const image = again ?? randomImage(random, fits, base);
    const others = [randomImage(random, fits, image), image, ...made.images];
    this.#addPeers(image, others);
    const nonce = (): Uint8Array => this.#bootNonce;
    this.#ts = new TsSide(this.#shape, made.bytes, new SeededRandom(random.u32()), nonce);
    this.#c = new CTargetSide(c, this.#shape, made.bytes, nonce);
  }

  #addPeers(image: ImageSource, others: readonly ImageSource[]): void {
    const random = this.#random;
    if (randomChance(random, 0.5))
      this.#peers.push(new RealPeer(random, image, Math.min(1024, this.#shape.payloadMax)));
    else this.#addScript(image);
    this.#addScript(pick(random, others));
  }

  #addScript(image: ImageSource): void {
    const script = new ScriptPeer(this.#random, image, pick(this.#random, [0, 0, 0.1, 0.4]));
    this.#scripts.push(script);
    this.#peers.push(script);
  }

  /** Both sides, in the order of the logs. */
  get #sides(): readonly [TsSide, CTargetSide] {
    return [this.#ts, this.#c];
  }

  run(): string | undefined {
    this.#restart();
    for (let turns = 0; this.#heard < FRAMES && turns < 4 * FRAMES; turns++) {
      const difference = this.#step();
      if (difference !== undefined) return difference;
    }
    return this.#end();
  }

  #step(): string | undefined {
    const random = this.#random;
    this.#gather();
    if (this.#hasToRestart) {
      this.#restart();
      return this.#compare("restart");
    }
    const dice = randomBelow(random, 100);
    if (dice < 64) this.#deliverNext();
    else if (dice < 68) this.#pending.shift();
    else if (dice < 73) this.#deliverOld();
    else if (dice < 78) this.#deliverSecond();
    else if (dice < 86) this.#deliverBent();
    else if (dice < 96) this.#inject();
    else if (dice < 98) this.#pass(pick(random, [700, 1500, 3000, 6000, 12_000]));
    else this.#restart();
    return this.#compare(`frame ${this.#heard}`);
  }

  /** Both are healed; or one of the known differences would show in what comes. */
  get #hasToRestart(): boolean {
    const isOver = this.#ts.isFinished && this.#c.isFinished;
    const isEnded = !this.#ts.isInSession || !this.#c.isInSession || this.#ts.isFinished;
    return isOver || this.#ts.isStruck || (isEnded && this.#isExcused);
  }

  /** A known difference shows: see {@link KNOWN_DIFFERENCES}. It is over when all is the same again. */
  get #isExcused(): boolean {
    return this.#isBehind || this.#isHalfBegun;
  }

  /**
   * The C side says "receiving" before it grants the first block, the TypeScript side before it writes it. And of the blocks that
   * the other slot holds the TypeScript side writes all of a run at once, the C side each in its turn.
   */
  get #isHalfBegun(): boolean {
    const [ts, c] = [this.#ts.board.record, this.#c.board.record];
    const isAhead = this.#ts.board.map.layout === "ab" && !isDeepStrictEqual(ts.open, c.open);
    return isAhead || !isDeepStrictEqual(ts.receiving, c.receiving);
  }

  /** The C side waits for a run that the TypeScript side knows, from flash or from before, or has not caught up since. */
  #noteBehind(): void {
    const [ts, c] = this.#logs.map(({ wants }) => wants.request);
    const asksElse = this.#ts.waitsForRun && !isDeepStrictEqual(ts, c);
    if (this.#c.waitsForRun && (!this.#ts.waitsForRun || (asksElse && isAbove(c, ts)))) this.#isBehind = true;
    else if (this.#isBehind && !this.#isTakenByOne && this.#different() === undefined) this.#isBehind = false;
  }

  #restart(): void {
    const random = this.#random;
    this.#bootNonce = Uint8Array.of(...new Uint8Array(7).fill(0xb0), ++this.#nonces & 0xff);
    this.#trace(`${this.#now}: power off and on`);
    this.#pass(pick(random, [10, 400]));
    // Units that are complete are closed with the next entry, or before: a power cut leaves more or less of them open.
    const isOpenElsewhere = !isDeepStrictEqual(this.#ts.board.record.open, this.#c.board.record.open);
    if (this.#isExcused || isOpenElsewhere) this.#ts.board.load(this.#c.board.flash);
    if (this.#isExcused) for (const log of this.#logs) log.answers.length = 0;
    for (const side of this.#sides) side.start(this.#now);
    this.#isBehind = false;
    this.#isTakenByOne = false;
    this.#tags = [];
    this.#lastPacket = -1;
    this.#collect();
  }

  #pass(ms: Millis): void {
    this.#advance(this.#now + ms);
  }

  #advance(to: Millis): void {
    for (const side of this.#sides) side.advance(to);
    this.#now = to;
    this.#collect();
  }

  #tagFor = (frame: Uint8Array): number | undefined => {
    if (!isSessionFrame(frame)) return undefined;
    return this.#tags.find((tag) => decodeFrame(frame, tag).tag !== "fault");
  };

  #collect(): void {
    for (const [i, side] of this.#sides.entries()) {
      for (const { at, frame } of side.takeSent()) {
        if (i === 0) this.#hearTarget(frame);
        else if (this.#isBehind) for (const peer of this.#peers) peer.hearRequest?.(this.#now, frame);
        const line = this.#logs[i]?.take(frame, this.#tagFor(frame));
        this.#trace(`${at}: ${side.name}: ${line}`);
      }
    }
  }

  #hearTarget(frame: Uint8Array): void {
    for (const peer of this.#peers) {
      peer.hear(this.#now, frame);
      const { tag } = peer;
      if (tag !== undefined && !this.#tags.includes(tag)) {
        this.#tags.unshift(tag);
        this.#lastPacket = -1;
      }
    }
  }

  /** Takes what the peers say now. */
  #gather(): void {
    for (const peer of this.#peers) this.#pending.push(...peer.take(this.#now));
    if (this.#pending.length > 60) this.#pending = this.#pending.slice(-60);
  }

  #deliver(frame: Uint8Array): void {
    this.#pass(pick(this.#random, [0, 1, 1, 2, 5, 9, 30]));
    // An offer that takes over while a known difference shows would be judged otherwise.
    if (this.#hasToRestart || (this.#isExcused && decodeFrame(frame, undefined).tag === "offer"))
      this.#restart();
    this.#heard++;
    this.#history.push(frame);
    this.input.push(this.#now % 256, frame.length & 0xff, ...frame);
    const tag = this.#tags[0];
    const known = decodeFrame(frame, tag);
    if (known.tag === "offer" && known.blockSize !== this.#shape.blockSize)
      this.#unusual.add(toHex(known.rescuerNonce));
    // Only the TypeScript side may have asked for it.
    if (known.tag === "data" && this.#isBehind) this.#isTakenByOne = true;
    if ("packetNumber" in known) this.#lastPacket = Math.max(this.#lastPacket, known.packetNumber);
    this.#trace(
      `${this.#now}: heard ${known.tag === "fault" ? known.fault : wordsOf(known)} ${toHex(frame.subarray(0, 80))}`,
    );
    for (const side of this.#sides) side.hear(this.#now, frame.slice());
    this.#collect();
  }

  #deliverNext(): void {
    for (let turns = 0; this.#pending.length === 0 && turns < 4; turns++) {
      this.#pass(pick(this.#random, [20, 100, 260, 400]));
      this.#gather();
    }
    const frame = this.#pending.shift();
    if (frame !== undefined) this.#deliver(frame);
    else this.#inject();
  }

  #deliverOld(): void {
    if (this.#history.length > 0) this.#deliver(pick(this.#random, this.#history.slice(-8)));
  }

  #deliverSecond(): void {
    const [first, second] = this.#pending.splice(0, 2);
    if (second !== undefined) this.#deliver(second);
    if (first !== undefined) this.#pending.unshift(first);
  }

  #deliverBent(): void {
    const frame = this.#pending.shift();
    if (frame === undefined) return;
    const bent = mutated(this.#random, [frame, frame, ...this.#history.slice(-3)]);
    if (bent.length === 0 || bent.length > this.#shape.payloadMax + 15) return;
    const tag = this.#tags[0] ?? 1;
    const made = bent.length > 4 && randomChance(this.#random, 0.7) ? reseal(bent, tag) : bent;
    if (!isFree(made, tag) && !this.#isEarlyRun(made, tag)) this.#deliver(made);
    if (randomChance(this.#random, 0.7)) this.#pending.unshift(frame);
  }

  /** A run before the manifest. Of two that differ the TypeScript side takes the first one, the C side the last (5.4). */
  #isEarlyRun(bytes: Uint8Array, tag: number): boolean {
    const frame = decodeFrame(bytes, tag);
    return frame.tag === "object" && frame.name.kind !== ObjectKind.manifest && !this.#ts.isReceiving;
  }

  /** Frames that no rescuer of these would send now. */
  #inject(): void {
    const random = this.#random;
    const tag = this.#tags[0] ?? 1;
    const script = pick(random, this.#scripts);
    const dice = randomBelow(random, 12);
    if (dice < 3) script.offer({ bootNonce: this.#bootNonce });
    else if (dice === 3) script.repeat();
    else if (dice === 4) script.bye();
    else if (dice === 5) script.probe();
    else if (dice === 6) this.#pending.unshift(this.#question());
    else if (dice === 7)
      this.#pending.unshift(encodeMessage({ tag: "later", forMs: randomBelow(random, 5000) }, tag));
    else {
      const known = this.#history.map((frame) => decodeFrame(frame, tag)).find(({ tag }) => tag === "offer");
      const offer = known?.tag === "offer" ? known : undefined;
      const context = {
        ids: [NODE_ID, ...(offer ? [offer.rescuerId] : [])],
        nonces: [this.#bootNonce, ...(offer ? [offer.rescuerNonce] : [])],
        digests: offer ? [offer.digest] : [],
      };
      this.#pending.unshift(encodeFrame(randomFrame(random, pick(random, FRAME_TAGS), context), tag));
    }
    this.#gather();
    const frame = dice < 6 ? this.#pending.pop() : this.#pending.shift();
    if (frame !== undefined && !isFree(frame, tag)) this.#deliver(frame);
  }

  /** What another node says that a target which calls answers: a query, its beacon, or that it is served elsewhere. */
  #question(): Uint8Array {
    const [nodeId, bootNonce] = [randomBytes(this.#random, 8), randomBytes(this.#random, 8)];
    const kind = randomBelow(this.#random, 3);
    if (kind === 0) return encodeMessage({ tag: "query", nodeId, bootNonce }, 1);
    const status: NodeStatus = {
      ...{
        nodeId,
        hardwareId: nodeId,
        revision: 0,
        installed: undefined,
        receivingDigest: undefined,
        counterFloor: 0,
      },
      ...(kind === 1 ? { failure: undefined } : { failure: "empty", isServed: true }),
    };
    return encodeMessage(beaconOf(status, bootNonce), 1);
  }

  /** What has to be the same at any moment, but for known differences. */
  #compare(when: string): string | undefined {
    this.#noteBehind();
    if (this.#isBehind) return undefined;
    const difference = this.#different();
    return difference && `${when}, at ${this.#now} ms, ${difference}`;
  }

  #different(): string | undefined {
    const [ts, c] = this.#logs;
    const pairs: [unknown, unknown, string][] = [
      [ts.answers, c.answers, "answers"],
      [this.#ts.isInSession, this.#c.isInSession, "in session"],
      [this.#ts.isFinished, this.#c.isFinished, "finished"],
    ];
    if (this.#ts.isInSession && this.#c.isInSession) pairs.push([ts.wants, c.wants, "wants"]);
    if (!this.#isHalfBegun) {
      pairs.push([this.#ts.board.status, this.#c.board.status, "status"]);
      pairs.push([this.#recordOf(this.#ts), this.#recordOf(this.#c), "record"]);
    }
    for (const [a, b, what] of pairs)
      if (!isDeepStrictEqual(a, b)) return `${what}: TypeScript ${shown(a)}, C ${shown(b)}`;
    return undefined;
  }

  /** What counts of a record: in a session a unit that is complete may be open still. */
  #recordOf({ board }: TsSide | CTargetSide): unknown {
    const { record } = board;
    return this.#ts.isInSession ? { ...record, open: undefined } : record;
  }

  /** The session is over: what each side says when it is asked, and what it left in flash. */
  #end(): string | undefined {
    for (let turns = 0; this.#isExcused && turns < 40; turns++) {
      this.#gather();
      this.#deliverNext();
    }
    let difference = this.#compare("at the end");
    if (difference !== undefined) return difference;
    if (this.#isExcused) this.#restart();
    const tag = this.#tags[0];
    if (this.#ts.isInSession && tag !== undefined) {
      this.#deliver(encodePacket({ tag: "probe", packetNumber: (this.#lastPacket + 1) & 0xfff }, tag));
      const [ts, c] = this.#logs;
      // The session may have ended at this very moment, a millisecond earlier on one side.
      const isOpen = this.#ts.isInSession && this.#c.isInSession;
      if (isOpen && ts.ack !== c.ack) return `an ack of a probe: TypeScript ${ts.ack}, C ${c.ack}`;
    }
    if (!this.#ts.isInSession && !this.#ts.isFinished) {
      for (const log of this.#logs) log.status = undefined;
      this.#pass(300);
      this.#deliver(this.#question());
      this.#pass(250);
      const [ts, c] = this.#logs;
      if (!isDeepStrictEqual(ts.status, c.status))
        return `the answer to a query: TypeScript ${shown(ts.status)}, C ${shown(c.status)}`;
    }
    difference = this.#compare("after a query");
    return difference ?? this.#compareFlash();
  }

  #compareFlash(): string | undefined {
    const map = flashMap(this.#shape.geometry);
    const flashes = [this.#ts.board.flash, this.#c.board.flash.slice()] as const;
    // Blocks that the other slot holds are written sooner or later.
    const isWritten = map.layout === "single" || this.#ts.isFinished;
    if (isWritten && !this.#isExcused && !sameSlots(map, ...flashes)) return "the slots hold other bytes";
    return undefined;
  }

  /** Reads what each left in flash with the other side; nothing else may be done afterwards. */
  crossRead(c: CSide): string | undefined {
    for (const flash of [this.#ts.board.flash, this.#c.board.flash.slice()]) {
      const [a, b] = [recordByTs(this.#shape.geometry, flash), recordByC(c, this.#shape.geometry, flash)];
      if (!isDeepStrictEqual(a, b)) return `the record in flash: TypeScript ${shown(a)}, C ${shown(b)}`;
    }
    return undefined;
  }

  /** Both took an offer, and a session's manifest. */
  get isDeep(): boolean {
    return this.#ts.hasReceived && this.#heard >= FRAMES;
  }
}

/** Whether a request asks for the run of a node above that of another one. */
function isAbove(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  const [level = 0, below = 0] = [a, b].map((nodes) => Number.parseInt(nodes?.[0] ?? "0", 10));
  return level > below;
}

/** Bytes of the largest image that either side checks without saying busy. */
const SHORT_CHECK_BYTES = 1024 * 1024;

/** What a receiver may take in more than one way, as the text leaves open: no side is wrong. */
function isFree(bytes: Uint8Array, tag: number): boolean {
  const frame = decodeFrame(bytes, tag);
  // Frames that the C side has no name for are a sign of life to the TypeScript side alone (12.1).
  if (isUnnamed(bytes)) return true;
  // An extension for a proof that is none is one of no right length to the TypeScript side, and skipped by the C side (14.3).
  if (frame.tag !== "fault" && isMessage(frame) && linkProofOf(frame, bytes)?.mac.length === 0) return true;
  // The TypeScript side says busy for a large image by its offer, the C side by its manifest (PROTOCOL.md 5.11).
  if (frame.tag === "offer") return frame.size > SHORT_CHECK_BYTES;
  // Chunks that are not in whole units of 32 bytes may be dropped, or taken (4.5, 4.6).
  if (frame.tag === "data") return frame.codec === Codec.raw && frame.payload.length % CHUNK_UNIT !== 0;
  if (frame.tag !== "object") return false;
  const { offset, payload, total, name } = frame;
  // The TypeScript side takes a manifest by whatever level and index it comes.
  if (name.kind === ObjectKind.manifest && (name.node.level !== 0 || name.node.index !== 0)) return true;
  return (
    offset % CHUNK_UNIT !== 0 || (payload.length % CHUNK_UNIT !== 0 && offset + payload.length !== total)
  );
}

function wordsOf(frame: Frame): string {
  if (frame.tag === "data")
    return `data ${frame.packetNumber} at ${frame.position}, ${frame.payload.length} bytes`;
  if (frame.tag === "object") return `object ${frame.packetNumber}, kind ${frame.name.kind}`;
  return frame.tag;
}

export const SESSION_KIND: Kind = {
  name: "session",
  weight: 0,
  run(random, c, trace = () => {}): Outcome {
    const session = new Session(random, c, trace);
    const difference =
      session.run() ?? (c.faults > 0 ? "the C side broke a rule of flash" : session.crossRead(c));
    const input = concatBytes(Uint8Array.from(session.input));
    return { isAccepted: difference === undefined && session.isDeep, input, difference };
  },
};
