import type { Millis } from "../base/units.ts";
import { FrameClass, PROTOCOL_VERSION } from "../wire/constants.ts";
import type { LineCode } from "../wire/line-code.ts";
import type { LinkCounters } from "./counters.ts";
import type { LinkEvent } from "./link-event.ts";
import { Muting } from "./listening/muting.ts";
import { asksTerminal, bearsOwnMark, endsInCountdown } from "./listening/own-marks.ts";
import { QueryEcho } from "./listening/query-echo.ts";
import { TextSense } from "./listening/text-sense.ts";
import { Unasked } from "./listening/unasked.ts";
import { consoleText, isMostlyPrintable } from "./strangers/console-text.ts";
import { hasOddParity } from "./strangers/line-changes.ts";
import { RecentText } from "./strangers/recent-text.ts";
import type { Stranger } from "./strangers/stranger.ts";
import { StrangerWatch } from "./strangers/stranger-watch.ts";

/** Behind the first code of COBS: class and version of an announcement. A call whose top bits a line cuts off is printable for the rest. */
const ANNOUNCEMENT: number = FrameClass.announce | (PROTOCOL_VERSION << 4);
const beginsAnnouncement = (body: Uint8Array): boolean => body[1] === ANNOUNCEMENT;

/** After a packet in the second form, damaged ones are expected for this long: a rescuer that was reset is silent for longer. */
const CODED_TEXT_MS = 1_000;

/**
 * What comes on a link besides frames: console text, strangers, other protocol versions; and what follows from it for this
 * end: when it may speak unasked, and when it is mute (PROTOCOL.md 2.3, 2.4).
 */
export class ForeignInput {
  readonly unasked: Unasked = new Unasked();
  readonly muting: Muting = new Muting();
  readonly #counters: LinkCounters;
  readonly #emit: (event: LinkEvent) => void;
  /** Undefined where nobody else can be on the line: on a link that carries whole frames. */
  readonly #watch: StrangerWatch | undefined;
  readonly #sense: TextSense = new TextSense();
  readonly #recent: RecentText = new RecentText();
  /** Other protocol versions that were reported. */
  readonly #versions: Set<number> = new Set();
  readonly #echo: QueryEcho = new QueryEcho();
  /** Until then damaged packets may hold text that nobody wrote: none is looked for (PROTOCOL.md 2.5). */
  #textFrom: Millis = Number.NEGATIVE_INFINITY;
  /** The run that arrives holds what is written for a terminal only. */
  #isForTerminal = false;
  #isNewlyMarked = false;

  /** `tag`: that of the present session. */
  constructor(
    code: LineCode,
    counters: LinkCounters,
    emit: (event: LinkEvent) => void,
    tag: () => number | undefined,
  ) {
    this.#counters = counters;
    this.#emit = emit;
    this.#watch = code.delimiter === undefined ? undefined : new StrangerWatch(code, tag);
  }

  /** Somebody else than a node may read what is sent. */
  get isShared(): boolean {
    return this.#watch !== undefined;
  }

  /** Who is on the line, if it is not a mayday node. */
  get stranger(): Stranger | undefined {
    return this.#watch?.verdict;
  }

  /** What the line does to the bytes of frames that come, as a set of LineChangeBit; undefined for nothing. */
  get changes(): number | undefined {
    return this.#watch?.changes;
  }

  /** A packet came in the second form, where the next ones take `frameMs`: what is damaged soon after it is no text. */
  noteCodedPacket(now: Millis, frameMs: Millis): void {
    this.#textFrom = now + CODED_TEXT_MS + frameMs;
  }

  /** The session ended: no more packets. */
  noteSessionEnd(): void {
    this.#textFrom = Number.NEGATIVE_INFINITY;
  }

  /** A query was sent to nobody known: these bytes, which take `lineMs` on the line. */
  noteAsked(now: Millis, query: Uint8Array, lineMs: Millis): void {
    this.#echo.noteAsked(now, query, lineMs);
  }

  /** The peer said what the line does to the bytes that it receives; a set as in {@link changes}. */
  noteTold(changes: number): void {
    this.#watch?.noteTold(changes);
  }

  /** Bytes came, and the runs that they end were handled: looks at the one that still arrives. */
  handleBytes(now: Millis, bytes: Uint8Array): void {
    this.muting.noteBytes(now);
    const end = bytes.lastIndexOf(0);
    if (end >= 0) {
      this.#sense.clear();
      this.#recent.clear();
      this.#isForTerminal = false;
      this.#echo.noteDelimiter();
    }
    const rest = end < 0 ? bytes : bytes.subarray(end + 1);
    if (rest.length === 0 || now < this.#textFrom) return;
    // Short pieces of a text are kept, too, for the marks that they make together.
    if (asksTerminal(this.#recent.raw + String.fromCharCode(...rest))) this.#isForTerminal = true;
    const text = this.#recent.add(rest);
    const isMarked = this.#isForTerminal || endsInCountdown(text);
    const isText = this.#sense.add(rest) || isMarked;
    this.muting.noteForeign(now, isText);
    if (isText) this.unasked.noteText(now, false, isMarked || bearsOwnMark(text, false));
  }

  /** A run ended, which was a frame of whatever session and version, or not. */
  handleRunEnd(now: Millis, run: Uint8Array, isFrame: boolean): void {
    if (isFrame) this.handleFrame(now);
    if (this.#watch === undefined) return;
    this.#watch.observe(run, isFrame);
    for (let stranger = this.#watch.takeUnreported(); stranger; stranger = this.#watch.takeUnreported())
      this.#emit({ tag: "stranger", stranger });
    if (this.#watch.hasHeardChanged) this.#emit({ tag: "changed" });
  }

  /** A valid frame came. */
  handleFrame(now: Millis): void {
    this.#sense.clear();
    this.#isForTerminal = false;
    this.#echo.noteFrame();
    this.unasked.noteFrame(now);
    this.muting.noteFrame(now);
  }

  /** The last valid frame was our own one, heard back. */
  noteEcho(): void {
    this.muting.noteEcho();
    this.unasked.noteEcho();
  }

  /** Something is said that nobody asked for: a mark has lapsed. */
  noteSaid(now: Millis): void {
    this.unasked.noteSaid(now);
    this.muting.clearMark();
  }

  /** Takes the demand to drop what waits: a boot loader or a shell was recognised. */
  takeMarked(): boolean {
    const isMarked = this.#isNewlyMarked;
    this.#isNewlyMarked = false;
    return isMarked;
  }

  #handleText(now: Millis, hasMark: boolean): void {
    this.unasked.noteText(now, true, hasMark);
    this.muting.noteText(now);
    if (hasMark && this.muting.noteMark()) this.#isNewlyMarked = true;
  }

  /** A frame of another protocol version came; each version is reported once. */
  handleVersion(version: number): void {
    if (this.#versions.has(version)) return;
    this.#versions.add(version);
    this.#emit({ tag: "foreignVersion", version });
  }

  /**
   * What is no frame came. A delimiter alone is nothing. `isDelimited`: a delimiter ended it, which a console does not send.
   * `isPacket`: it begins as the next packets of the session do. A frame that is damaged or cut off may hold text that nobody
   * wrote on the line, as manifests and firmware do.
   */
  handleForeign(now: Millis, body: Uint8Array, isDelimited: boolean, isPacket: boolean): void {
    if (body.length === 0) return;
    this.#counters.bytesDiscarded += body.length;
    const ignoresText = this.#watch === undefined || now < this.#textFrom;
    const text = ignoresText ? "" : consoleText(body);
    const recent = isDelimited || ignoresText ? "" : this.#recent.text;
    const isForTerminal = this.#isForTerminal && !isDelimited && !isPacket;
    const isMarked = isForTerminal || endsInCountdown(recent);
    const isConsoleText =
      text !== "" && !isPacket && (!isDelimited || (isMostlyPrintable(body) && !beginsAnnouncement(body)));
    // With parity in it a delimiter is none: it may be the answer of a node.
    const isEcho = this.#echo.take(now, body, isDelimited) && !hasOddParity(body);
    const isForeign = isEcho || isMarked || isConsoleText;
    this.#sense.clear();
    this.#isForTerminal = false;
    this.muting.noteForeign(now, isForeign);
    if (isForeign) this.#handleText(now, isMarked || bearsOwnMark(recent, true));
    else this.unasked.noteRunEnd();
    if (text !== "") {
      this.#emit({ tag: "console", text });
      return;
    }
    this.#counters.crcErrors++;
    this.#emit({ tag: "damaged" });
  }
}
