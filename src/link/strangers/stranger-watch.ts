import { delimitedCobs, type LineCode } from "../../wire/line-code.ts";
import { isText, nameText, TextTail } from "./console-names.ts";
import { MangledFrames } from "./mangled-frames.ts";
import { nameLooseRun, Pulse } from "./protocol-names.ts";
import type { Stranger, StrangerKind } from "./stranger.ts";

/** A frame in this many runs back: somebody speaks mayday here, and nothing but console text is named. */
const RUNS_REMEMBERED = 64;
/**
 * Runs in a row without a delimiter until one is named, once a delimiter was seen: a single one may be a damaged
 * frame that lost it, and the payload of that may look like anybody.
 */
const LOOSE_RUNS_MIN = 3;
const ZEROS_MIN = 256;
/** More than the erased flash that drops could leave of damaged frames. */
const ONES_MIN = 4096;
const NOISE_MIN = 256;

/**
 * Watches the runs of one link and names who else is on the line. Sans-IO, fixed memory, time proportional to the
 * run; tries at repairing a run are rationed by bytes received. A name needs evidence that damaged frames do not
 * give: a stranger on a console sends no delimiters, so text counts only in runs that end without one.
 */
export class StrangerWatch {
  readonly #code: LineCode;
  #runs = 0;
  #frameAt: number = Number.NEGATIVE_INFINITY;
  #delimiterAt: number = Number.NEGATIVE_INFINITY;
  #zeros = 0;
  #ones = 0;
  #noise = 0;
  readonly #tail: TextTail = new TextTail();
  readonly #pulse: Pulse = new Pulse();
  readonly #mangled: MangledFrames;
  #verdict: Stranger | undefined;
  #verdictAt = 0;
  #news: Stranger | undefined;
  readonly #told: Set<StrangerKind> = new Set();

  /** `code`: what the frames of a node look like on this line. It has a delimiter. */
  constructor(code: LineCode = delimitedCobs) {
    this.#code = code;
    this.#mangled = new MangledFrames(code);
  }

  /** Who is on the line, as far as the evidence goes; undefined while a node is heard, or nothing was. */
  get verdict(): Stranger | undefined {
    return this.#verdict;
  }

  /** A verdict of a kind that was not taken yet since the last frame; each kind once. */
  takeNews(): Stranger | undefined {
    const news = this.#news;
    this.#news = undefined;
    return news;
  }

  /** Takes in a run as the splitter gave it, closing delimiter included. `isFrame`: its CRC was right. */
  observe(run: Uint8Array, isFrame: boolean): void {
    this.#runs++;
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
    this.#noteDelimiter();
    this.#mangled.reset();
    if (this.#verdict !== undefined && (this.#verdict.kind !== "console" || this.#isVerdictOld()))
      this.#verdict = undefined;
    this.#told.clear();
  }

  #noteDelimiter(): void {
    this.#delimiterAt = this.#runs;
    this.#ones = 0;
    this.#tail.clear();
    this.#pulse.clear();
  }

  #observeZero(): void {
    if (this.#zeros === 0) this.#noteDelimiter();
    this.#delimiterAt = this.#runs;
    this.#zeros++;
    // A line held low gives hundreds of thousands a second: each one must cost next to nothing.
    if (this.#zeros % ZEROS_MIN === 0) this.#propose({ kind: "zeros" });
  }

  /** A run between delimiters: a damaged frame, or noise that holds zeros. */
  #observeFramed(body: Uint8Array): void {
    this.#noteDelimiter();
    const mangling = this.#mangled.observe(body);
    if (mangling !== undefined) this.#propose({ kind: mangling });
    else this.#countNoise(body);
  }

  /** A run that silence or its length has ended. */
  #observeLoose(body: Uint8Array): void {
    this.#mangled.refill(body.length);
    const text = this.#tail.add(body);
    this.#pulse.add(body);
    this.#ones = body.every((byte) => byte === 0xff) ? this.#ones + body.length : 0;
    if (!body.every(isText)) this.#countNoise(body);
    if (this.#runs - this.#delimiterAt < LOOSE_RUNS_MIN) return;
    const kind = this.#ones >= ONES_MIN ? "ones" : (this.#pulse.kind ?? nameLooseRun(body));
    const named = kind === undefined ? nameText(text) : { kind };
    if (named !== undefined) this.#propose(named);
  }

  #countNoise(body: Uint8Array): void {
    // What is laid out as a frame is one: damaged, or of a session that is not known here.
    if (this.#code.decode(body) !== undefined) return;
    this.#noise += body.length;
    if (this.#noise >= NOISE_MIN) this.#propose({ kind: "noise" });
  }

  #isVerdictOld(): boolean {
    return this.#runs - this.#verdictAt >= RUNS_REMEMBERED;
  }

  #propose(stranger: Stranger): void {
    if (this.#runs - this.#frameAt >= RUNS_REMEMBERED) this.#accept(stranger);
    else if (stranger.sample !== undefined) this.#accept({ kind: "console", sample: stranger.sample });
  }

  /** A vaguer verdict replaces a clearer one only when nothing has confirmed that for a while. */
  #accept(stranger: Stranger): void {
    const { kind } = stranger;
    const held = this.#verdict?.kind;
    if (held !== undefined && clarity(kind) < clarity(held) && !this.#isVerdictOld()) return;
    this.#verdictAt = this.#runs;
    if (kind === held) return;
    this.#verdict = stranger;
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#news = stranger;
  }
}

function clarity(kind: StrangerKind): number {
  if (kind === "noise") return 0;
  return kind === "console" ? 1 : 2;
}
