import { DELIMITER } from "../wire/constants.ts";
import { nameLooseRun, Pulse } from "./loose-runs.ts";
import { MangledFrames } from "./mangled-frames.ts";
import type { Stranger, StrangerKind } from "./stranger.ts";
import { isText, nameText, sampleOf, TextTail } from "./text-tail.ts";

/** A frame in this many runs back: somebody speaks mayday here, and nothing but console text is named. */
const RUNS_REMEMBERED = 64;
/** So many damaged runs between delimiters in that time: damaged frames, whose payload may look like anything. */
const FRAMED_RUNS = 3;
const ZEROS_MIN = 256;
/** More than the erased flash that drops could leave of damaged frames. */
const ONES_MIN = 4096;
const NOISE_MIN = 256;

/**
 * Watches the runs of one link and names who else is on the line. Sans-IO, fixed memory, time proportional to the
 * run; tries at repairing a run are rationed by octets received. A name needs evidence that damaged frames do not
 * give: a stranger on a console sends no delimiters, so text counts only in runs that end without one.
 */
export class StrangerWatch {
  #runs = 0;
  #frameAt: number = Number.NEGATIVE_INFINITY;
  /** Numbers of the latest damaged runs that ended with a delimiter, oldest first. */
  readonly #framedAt: number[] = Array.from({ length: FRAMED_RUNS }, () => Number.NEGATIVE_INFINITY);
  #zeros = 0;
  #ones = 0;
  #noise = 0;
  readonly #tail: TextTail = new TextTail();
  readonly #pulse: Pulse = new Pulse();
  readonly #mangled: MangledFrames = new MangledFrames();
  #verdict: Stranger | undefined;
  #verdictAt = 0;
  #news: Stranger | undefined;
  readonly #told: Set<StrangerKind> = new Set();

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
    const isDelimited = run.at(-1) === DELIMITER;
    const body = isDelimited ? run.subarray(0, -1) : run;
    if (body.length === 0) this.#observeZero();
    else {
      this.#zeros = 0;
      if (isDelimited) this.#observeFramed(body);
      else this.#observeLoose(body);
    }
  }

  #hearFrame(): void {
    this.#frameAt = this.#runs;
    this.#zeros = 0;
    this.#noise = 0;
    this.#interruptText();
    this.#mangled.reset();
    if (this.#verdict !== undefined && (this.#verdict.kind !== "console" || this.#isVerdictOld()))
      this.#verdict = undefined;
    if (this.#told.size === 0) return;
    const wasConsoleTold = this.#told.has("console");
    this.#told.clear();
    // A node that also prints text is told once, not after each of its frames.
    if (wasConsoleTold) this.#told.add("console");
  }

  #interruptText(): void {
    this.#ones = 0;
    this.#tail.clear();
    this.#pulse.clear();
  }

  #observeZero(): void {
    this.#interruptText();
    this.#zeros++;
    if (this.#zeros >= ZEROS_MIN) this.#propose("zeros");
  }

  /** A run between delimiters: a damaged frame, or noise that holds zeros. */
  #observeFramed(body: Uint8Array): void {
    this.#interruptText();
    this.#framedAt.shift();
    this.#framedAt.push(this.#runs);
    const mangling = this.#mangled.observe(body);
    if (mangling !== undefined) this.#propose(mangling);
    else this.#countNoise(body);
  }

  /** A run that silence or its length has ended. */
  #observeLoose(body: Uint8Array): void {
    this.#mangled.refill(body.length);
    this.#tail.add(body);
    this.#pulse.add(body);
    this.#ones = body.every((octet) => octet === 0xff) ? this.#ones + body.length : 0;
    if (!body.every(isText)) this.#countNoise(body);
    if (this.#isFramed()) return;
    if (this.#ones >= ONES_MIN) this.#propose("ones");
    const kind = this.#pulse.kind ?? nameLooseRun(body);
    if (kind !== undefined) this.#propose(kind);
    else this.#nameTail();
  }

  #nameTail(): void {
    const text = this.#tail.text;
    const named = nameText(text);
    if (named !== undefined) this.#propose(named.kind, named.sample);
    else if (this.#tail.isWholeLine) this.#propose("console", sampleOf(text));
  }

  #countNoise(body: Uint8Array): void {
    // Codes that lead to the very end are a frame: damaged, or of a session that is not known here.
    if (isCobsChain(body)) return;
    this.#noise += body.length;
    if (this.#noise >= NOISE_MIN) this.#propose("noise");
  }

  #isFramed(): boolean {
    return this.#runs - (this.#framedAt[0] ?? 0) < RUNS_REMEMBERED;
  }

  #isVerdictOld(): boolean {
    return this.#runs - this.#verdictAt >= RUNS_REMEMBERED;
  }

  #propose(kind: StrangerKind, sample?: string): void {
    if (this.#runs - this.#frameAt < RUNS_REMEMBERED) {
      if (sample === undefined) return;
      this.#accept("console", sample);
    } else this.#accept(kind, sample);
  }

  /** A vaguer verdict replaces a clearer one only when nothing has confirmed that for a while. */
  #accept(kind: StrangerKind, sample: string | undefined): void {
    const held = this.#verdict?.kind;
    if (held !== undefined && clarity(kind) < clarity(held) && !this.#isVerdictOld()) return;
    this.#verdictAt = this.#runs;
    if (kind === held) return;
    this.#verdict = sample === undefined ? { kind } : { kind, sample };
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#news = this.#verdict;
  }
}

function clarity(kind: StrangerKind): number {
  if (kind === "noise") return 0;
  return kind === "console" ? 1 : 2;
}

/** Whether following the COBS codes ends exactly at the end of the run. */
function isCobsChain(body: Uint8Array): boolean {
  let at = 0;
  while (at < body.length) at += body[at] as number;
  return at === body.length;
}
