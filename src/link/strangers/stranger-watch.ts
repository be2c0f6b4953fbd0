import { delimitedCobs, type LineCode } from "../../wire/line-code.ts";
import { ChangedFrames } from "./changed-frames.ts";
import { nameConsole } from "./console-names.ts";
import { LongBits } from "./long-bits.ts";
import { nameProtocol, ProtocolCalls } from "./protocol-names.ts";
import { isTerminalByte, RecentText } from "./recent-text.ts";
import type { Stranger, StrangerKind } from "./stranger.ts";

/** While a frame is among the last so many runs, a node is on the line: only console text is named then. */
const RUNS_REMEMBERED = 64;
/**
 * Runs in a row without a delimiter until one is named, once a delimiter was seen: a single one may be a damaged frame
 * that lost its delimiter, and a payload may look like anything.
 */
const LOOSE_RUNS_MIN = 3;
/** Delimiters in a row until a line held low is named. */
const ZEROS_MIN = 256;
/** Bytes of 0xFF until they are named: more than damaged frames that carried erased flash could leave. */
const ONES_MIN = 4096;
/** Bytes that are neither text nor frames until they are named noise. */
const NOISE_MIN = 256;

/**
 * Watches the runs of one link and names what else is on the line. Sans-IO, fixed memory, time in proportion to the run;
 * tries to repair a run are limited by the bytes received. A name needs evidence that damaged frames do not give: a
 * console sends no delimiters, so text counts only in runs that end without one.
 */
export class StrangerWatch {
  readonly #code: LineCode;
  #runs = 0;
  #frameAt: number = Number.NEGATIVE_INFINITY;
  #delimiterAt: number = Number.NEGATIVE_INFINITY;
  #zeros = 0;
  #ones = 0;
  #noise = 0;
  readonly #longBits: LongBits = new LongBits();
  readonly #text: RecentText = new RecentText();
  readonly #calls: ProtocolCalls = new ProtocolCalls();
  readonly #changed: ChangedFrames;
  #verdict: Stranger | undefined;
  #verdictAt = 0;
  #unreported: Stranger | undefined;
  readonly #reported: Set<StrangerKind> = new Set();

  /** `code`: what the frames of a node look like on this line. It has a delimiter. `tag`: that of the present session. */
  constructor(code: LineCode = delimitedCobs, tag: () => number | undefined = () => undefined) {
    this.#code = code;
    this.#changed = new ChangedFrames(code, tag);
  }

  /**
   * What is on the line, as far as the evidence goes; undefined while a node is heard whose bytes come as they were sent,
   * or nothing was heard. May change after: {@link observe}.
   */
  get verdict(): Stranger | undefined {
    const [kind, ...also] = this.#changed.kinds;
    if (kind === undefined || (this.#verdict !== undefined && certainty(this.#verdict.kind) > 1))
      return this.#verdict;
    return also.length === 0 ? { kind } : { kind, also };
  }

  /**
   * A verdict that was not reported yet: each kind once until the next frame, and once in all what changes the bytes of
   * frames. May change after: {@link observe}.
   */
  takeUnreported(): Stranger | undefined {
    const change = this.#changed.takeUnreported();
    if (change !== undefined) return { kind: change };
    const stranger = this.#unreported;
    this.#unreported = undefined;
    return stranger;
  }

  /** What was proved to change the bytes of frames, as the extension *changes* says it; undefined for nothing. */
  get changes(): number | undefined {
    return this.#changed.provenBits;
  }

  /** The peer said what the line does to its bytes. */
  noteTold(changes: number): void {
    this.#changed.noteTold(changes);
  }

  /** The last run is a frame whose bytes the line changed, as is proved. */
  get hasHeardChanged(): boolean {
    return this.#changed.hasHeardChanged;
  }

  /** Takes in a run as the splitter gave it, closing delimiter included. `isFrame`: its CRC was right. */
  observe(run: Uint8Array, isFrame: boolean): void {
    this.#runs++;
    this.#changed.observe(run, isFrame);
    if (isFrame) {
      this.#hearFrame();
      return;
    }
    if (run.at(-1) !== this.#code.delimiter) {
      this.#zeros = 0;
      this.#observeLoose(run);
    } else if (run.length > 1) {
      this.#zeros = 0;
      this.#observeFramed(run.subarray(0, -1));
    } else this.#observeZero();
  }

  #hearFrame(): void {
    this.#frameAt = this.#runs;
    this.#zeros = 0;
    this.#noise = 0;
    this.#longBits.clear();
    this.#noteDelimiter();
    if (this.#verdict !== undefined && (this.#verdict.kind !== "console" || this.#isVerdictOld()))
      this.#verdict = undefined;
    this.#reported.clear();
  }

  #noteDelimiter(): void {
    this.#delimiterAt = this.#runs;
    this.#ones = 0;
    this.#text.clear();
    this.#calls.clear();
  }

  #observeZero(): void {
    if (this.#zeros === 0) this.#noteDelimiter();
    this.#delimiterAt = this.#runs;
    this.#zeros++;
    // A line held low gives hundreds of thousands a second: each must take hardly any time.
    if (this.#zeros % ZEROS_MIN === 0) this.#propose({ kind: "zeros" });
  }

  /** A run between delimiters: a damaged frame, or noise that holds zeros. */
  #observeFramed(body: Uint8Array): void {
    this.#noteDelimiter();
    this.#countNoise(body);
  }

  /** A run that ended by silence or by its length. */
  #observeLoose(body: Uint8Array): void {
    const text = this.#text.add(body);
    this.#calls.add(body);
    this.#ones = body.every((byte) => byte === 0xff) ? this.#ones + body.length : 0;
    if (!body.every(isTerminalByte)) this.#countNoise(body);
    if (this.#runs - this.#delimiterAt < LOOSE_RUNS_MIN) return;
    const kind = this.#ones >= ONES_MIN ? "ones" : (this.#calls.kind ?? nameProtocol(body));
    const named = kind === undefined ? nameConsole(text) : { kind };
    if (named !== undefined) this.#propose(named);
  }

  #countNoise(body: Uint8Array): void {
    // What is laid out as a frame is one: damaged, or of a session that is not known here.
    if (this.#code.decode(body) !== undefined) return;
    this.#noise += body.length;
    this.#longBits.add(body);
    if (this.#longBits.areSeen) this.#propose({ kind: "slower-sender" });
    else if (this.#noise >= NOISE_MIN) this.#propose({ kind: "noise" });
  }

  #isVerdictOld(): boolean {
    return this.#runs - this.#verdictAt >= RUNS_REMEMBERED;
  }

  #propose(stranger: Stranger): void {
    if (this.#runs - this.#frameAt >= RUNS_REMEMBERED) this.#accept(stranger);
    else if (stranger.sample !== undefined) this.#accept({ kind: "console", sample: stranger.sample });
  }

  /** A less certain verdict replaces a more certain one only after 64 runs without evidence of that one. */
  #accept(stranger: Stranger): void {
    const { kind } = stranger;
    const held = this.#verdict?.kind;
    if (held !== undefined && certainty(kind) < certainty(held) && !this.#isVerdictOld()) return;
    this.#verdictAt = this.#runs;
    if (kind === held) return;
    this.#verdict = stranger;
    if (this.#reported.has(kind)) return;
    this.#reported.add(kind);
    this.#unreported = stranger;
  }
}

function certainty(kind: StrangerKind): number {
  if (kind === "noise") return 0;
  return kind === "console" || kind === "slower-sender" ? 1 : 2;
}
