import type { Clock, Timer } from "../base/clock.ts";
import type { TransportError } from "../base/errors.ts";
import { silenceAt } from "../base/line-silence.ts";
import type { Millis } from "../base/units.ts";
import type { Heard, RunSplitter, Transport } from "../transport/transport.ts";
import type { CodedFrame } from "../wire/fec/frame-hunter.ts";
import { ClockedHunter } from "./clocked-hunter.ts";

/** The verbs of a session machine, as far as driving it goes. */
export interface Machine<Event> {
  /** What the run or frame that was handed in last is; a machine that does not say so is served like any other. */
  readonly heard?: Heard | undefined;
  readonly isInSession?: boolean;
  /** Damaged frames that it has met. */
  readonly damage?: number;
  /** It hears the second form of frames: they are taken out of the stream, and handed to {@link handleCoded}. */
  readonly isHunting?: boolean;
  handleLinkUp(now: Millis, isUp: boolean): void;
  handleRun(now: Millis, run: Uint8Array): void;
  handleFrame(now: Millis, frame: Uint8Array): void;
  /** Takes in a frame of the second form; false: it is none. */
  handleCoded?(now: Millis, frame: CodedFrame): boolean;
  /** Bytes of a stream once more, as they came, after the runs that they end. */
  handleBytes?(now: Millis, bytes: Uint8Array): void;
  handleTimeout(now: Millis): void;
  pollTransmit(now: Millis): Uint8Array | undefined;
  pollEvent(): Event | undefined;
  pollTimeout(): Millis | undefined;
  /** Takes the demand to drop what was handed over and has not left yet. */
  takeFlush?(): boolean;
  /** Takes the demand to set the port to this rate, in bit/s; {@link handleBaudSet} answers it. */
  takeBaud?(now: Millis): number | undefined;
  handleBaudSet?(now: Millis, isSet: boolean): void;
  /** All messages that wait, whatever the pace, and the line time until the last of them has left. */
  takeUnsent(now: Millis): { readonly frames: readonly Uint8Array[]; readonly lineMs: Millis };
}

/** Makes what cuts the stream into runs; all give the same ones (`NodeLink` chooses by the transport's facts). */
export type SplitterFactory = (onRun: (run: Uint8Array) => void) => RunSplitter;

/** What a driver tells its owner. Effects are carried out, and answered to the machine, inside `onEvent`. */
export interface DriverHandlers<Event> {
  onEvent(event: Event): void;
  onUp?(): void;
  onDown?(error: TransportError | undefined): void;
  onWaiting?(reason: TransportError): void;
  onShared?(detail: string): void;
}

/** Pumps one machine over one transport: the only place where bytes, time and a machine meet. */
export class LinkDriver<Event> {
  readonly transport: Transport;
  readonly #machine: Machine<Event>;
  readonly #clock: Clock;
  readonly #handlers: DriverHandlers<Event>;
  readonly #splitter: RunSplitter;
  /** Undefined where the machine hears COBS only. */
  readonly #hunter: ClockedHunter | undefined;
  #timer: Timer | undefined;
  /** The splitter has delivered a run. */
  #hasRun = false;
  /** The splitter is being given bytes: what follows from its runs is done behind them. */
  #isPushing = false;
  #isPumping = false;
  #wasInSession = false;
  #isHeldBack = false;
  #isClosed = false;
  #damage = 0;

  constructor(
    machine: Machine<Event>,
    transport: Transport,
    clock: Clock,
    makeSplitter: SplitterFactory,
    handlers: DriverHandlers<Event>,
  ) {
    this.#machine = machine;
    this.transport = transport;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#splitter = makeSplitter((run) => {
      this.#hasRun = true;
      this.#machine.handleRun(this.#clock.now(), run);
      this.#noteHeard();
      // After every run: an ack reaches back over 112 packets, and one read may bring more of them.
      this.#drain();
      // A run that silence has closed: what was held back because of its bytes may be due now.
      if (!this.#isPushing) this.pump();
    });
    this.#hunter = machine.isHunting === true ? this.#makeHunter() : undefined;
  }

  /** Opens the transport; rejects with its TransportError when that is hopeless. */
  async open(): Promise<void> {
    await this.transport.open({
      onUp: () => this.#linkUp(true),
      onDown: (error) => {
        this.#linkUp(false);
        this.#handlers.onDown?.(error);
      },
      onWaiting: (reason) => this.#handlers.onWaiting?.(reason),
      onShared: (detail) => this.#handlers.onShared?.(detail),
      onBytes: (bytes) => {
        if (this.transport.facts.framing === "message") this.#handleFrame(bytes);
        else this.#handleBytes(bytes);
      },
      onWritable: () => {
        this.#isHeldBack = false;
        this.pump();
      },
    });
    this.pump();
  }

  #makeHunter(): ClockedHunter {
    const { baud, bitsPerByte } = this.transport.facts;
    const onFrame = (frame: CodedFrame): boolean => {
      if (this.#machine.handleCoded?.(this.#clock.now(), frame) !== true) return false;
      this.#hasRun = true;
      this.#noteHeard();
      this.#drain();
      return true;
    };
    const handlers = { onOther: (bytes: Uint8Array) => this.#handleOther(bytes), onFrame };
    return new ClockedHunter(handlers, this.#clock, silenceAt(baud, bitsPerByte), () => this.pump());
  }

  #handleFrame(frame: Uint8Array): void {
    this.#machine.handleFrame(this.#clock.now(), frame);
    this.#noteHeard();
    this.#drain();
    this.pump();
  }

  /** Before anything is sent: the transport may have to know whom the answer is for. */
  #noteHeard(): void {
    const { heard } = this.#machine;
    if (heard !== undefined) this.transport.noteHeard?.(heard);
  }

  #handleBytes(bytes: Uint8Array): void {
    this.#hasRun = false;
    if (this.#hunter === undefined) this.#handleOther(bytes);
    else this.#hunter.push(bytes);
    const { damage = 0 } = this.#machine;
    if (damage > this.#damage) this.transport.noteDamage?.();
    this.#damage = damage;
    // Part of a run only brings the time forward at which a machine falls mute.
    if (this.#hasRun) this.pump();
    else this.#arm();
  }

  /** Bytes that are not of the second form. */
  #handleOther(bytes: Uint8Array): void {
    this.#isPushing = true;
    this.#splitter.push(bytes);
    this.#isPushing = false;
    this.#machine.handleBytes?.(this.#clock.now(), bytes);
  }

  #linkUp(isUp: boolean): void {
    this.#isHeldBack = false;
    this.#machine.handleLinkUp(this.#clock.now(), isUp);
    if (isUp) this.#handlers.onUp?.();
    this.pump();
  }

  /** Runs the machine until it has nothing to do now, and sets the timer. Call after touching the machine. */
  pump(): void {
    if (this.#isPumping || this.#isClosed) return;
    this.#isPumping = true;
    this.#machine.handleTimeout(this.#clock.now());
    if (this.#machine.takeFlush?.() === true) this.transport.dropUnsent?.();
    this.#isPumping = false;
    this.#drain();
    if (this.#takeBaud()) this.pump();
    else this.#arm();
  }

  /** Sets the port to another rate if that is due; true if it was done at once. */
  #takeBaud(): boolean {
    const baud = this.#machine.takeBaud?.(this.#clock.now());
    if (baud === undefined) return false;
    const setting = this.transport.facts.setBaud?.(baud);
    if (setting === undefined) {
      this.#machine.handleBaudSet?.(this.#clock.now(), this.transport.facts.baud === baud);
      return true;
    }
    const end = (isSet: boolean): void => {
      if (this.#isClosed) return;
      this.#machine.handleBaudSet?.(this.#clock.now(), isSet);
      this.pump();
    };
    setting.then(
      () => end(true),
      () => end(false),
    );
    return false;
  }

  /** Bytes go before effects: an ack or a BUSY must not wait until a block is hashed and programmed. */
  #drain(): void {
    if (this.#isPumping || this.#isClosed) return;
    this.#isPumping = true;
    while (this.#transmit() || this.#handleEvents()) {
      // until neither bytes nor events are left
    }
    this.#isPumping = false;
    this.#noteSession();
  }

  #noteSession(): void {
    const isInSession = this.#machine.isInSession === true;
    if (this.#wasInSession && !isInSession) this.transport.noteSessionEnd?.();
    this.#wasInSession = isInSession;
  }

  #handleEvents(): boolean {
    const event = this.#machine.pollEvent();
    if (event === undefined) return false;
    this.#handlers.onEvent(event);
    return true;
  }

  #transmit(): boolean {
    if (this.#isHeldBack || this.#isClosed) return false;
    const bytes = this.#machine.pollTransmit(this.#clock.now());
    if (bytes === undefined) return false;
    this.#isHeldBack = !this.transport.write(bytes);
    return true;
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isClosed) return;
    const at = this.#machine.pollTimeout();
    if (at === undefined || (this.#isHeldBack && at <= this.#clock.now())) return;
    this.#timer = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.pump());
  }

  /** Sends all messages that wait, unpaced; returns the milliseconds that they take on the line. */
  sendUnsent(): Millis {
    const bytes = this.#machine.takeUnsent(this.#clock.now());
    for (const frame of bytes.frames) this.transport.write(frame);
    return bytes.lineMs;
  }

  /** Stops the timer, the splitter and the transport. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#hunter?.close();
    this.#splitter.close();
    await this.transport.close();
  }
}
