import type { Parity, StopBits } from "../endpoint.ts";
import { Option, optionCommand, subnegotiation, type TelnetCommand, Verb } from "./telnet.ts";

/** Commands of RFC 2217 from client to server; an answer has 100 more. */
const ComPort = {
  baud: 1,
  dataSize: 2,
  parity: 3,
  stopSize: 4,
  control: 5,
  purge: 12,
} as const;
const ANSWER = 100;
const SUSPEND: number = ANSWER + 8;
const RESUME: number = ANSWER + 9;

const PARITY: Readonly<Record<Parity, number>> = { none: 1, odd: 2, even: 3 };
/** Values of the control command. */
const NO_FLOW_CONTROL = 1;
const DTR = { on: 8, off: 9 } as const;
const RTS = { on: 11, off: 12 } as const;
const PURGE_UNSENT = 2;

/** Options that are agreed to, whichever side asks for them. */
const WANTED: readonly number[] = [Option.binary, Option.noGoAhead, Option.comPort];

export interface ComPortSettings {
  readonly baud: number;
  readonly parity: Parity;
  readonly stopBits: StopBits;
}

/** What an answer of the server leads to. */
export interface ComPortHandlers {
  send(bytes: Uint8Array): void;
  /** The server agreed to all, and the port has the settings. Called once. */
  onReady(): void;
  /** The server does not do what is needed; for people. */
  onRefused(why: string): void;
  /** The port's rate is this now: the answer to {@link ComPort.setBaud}. */
  onBaud(baud: number): void;
  /** The server's buffers are full, or have room again. */
  onSuspended(isSuspended: boolean): void;
}

/** The client's side of RFC 2217 on one connection: agrees on the options and sets the port up. Sans-IO, never throws. */
export class ComPortClient {
  readonly #settings: ComPortSettings;
  readonly #handlers: ComPortHandlers;
  /** What was said of each option, so that an answer is not answered. */
  readonly #said: Map<string, boolean> = new Map();
  /** Answers that are still to come until the port is set up; undefined before the server has agreed. */
  #missing: Map<number, number> | undefined;
  #isReady = false;

  constructor(settings: ComPortSettings, handlers: ComPortHandlers) {
    this.#settings = settings;
    this.#handlers = handlers;
  }

  /** Begins, on a new connection. */
  start(): void {
    for (const option of WANTED) {
      this.#say(true, option, true);
      if (option !== Option.comPort) this.#say(false, option, true);
    }
  }

  /** What the server has not said yet, for people. */
  get lacks(): string {
    return this.#missing === undefined
      ? "it did not answer as a telnet server"
      : "it did not set the port up";
  }

  handle(command: TelnetCommand): void {
    if (command.tag === "option") this.#handleOption(command.verb, command.option);
    else if (command.option === Option.comPort) this.#handleAnswer(command.body);
  }

  #handleOption(verb: Verb, option: number): void {
    const isOn = verb === Verb.do || verb === Verb.will;
    const isOurs = verb === Verb.do || verb === Verb.dont;
    this.#say(isOurs, option, isOn && WANTED.includes(option));
    if (!isOurs || this.#isReady) return;
    if (isOn && option === Option.comPort) this.#setUp();
    if (isOn) return;
    if (option === Option.comPort) this.#handlers.onRefused("it does not speak RFC 2217");
    if (option === Option.binary) this.#handlers.onRefused("it does not pass all bytes (binary)");
  }

  /** Says whether this end does something (`isOurs`), or the server shall; only what was not said before. */
  #say(isOurs: boolean, option: number, isOn: boolean): void {
    const key = `${isOurs} ${option}`;
    if (this.#said.get(key) === isOn) return;
    this.#said.set(key, isOn);
    const [yes, no] = isOurs ? [Verb.will, Verb.wont] : [Verb.do, Verb.dont];
    this.#handlers.send(optionCommand(isOn ? yes : no, option));
  }

  #setUp(): void {
    if (this.#missing !== undefined) return;
    const { baud, parity, stopBits } = this.#settings;
    this.#missing = new Map([
      [ComPort.baud, baud],
      [ComPort.dataSize, 8],
      [ComPort.parity, PARITY[parity]],
      [ComPort.stopSize, stopBits],
      [ComPort.control, NO_FLOW_CONTROL],
    ]);
    this.setBaud(baud);
    for (const [command, value] of this.#missing) if (command !== ComPort.baud) this.#command(command, value);
  }

  #handleAnswer(body: Uint8Array): void {
    const [answer = 0, ...value] = body;
    if (answer === SUSPEND || answer === RESUME) this.#handlers.onSuspended(answer === SUSPEND);
    const command = answer - ANSWER;
    const number = value.reduce((sum, byte) => sum * 256 + byte, 0);
    if (command === ComPort.baud && this.#isReady) this.#handlers.onBaud(number);
    const wanted = this.#missing?.get(command);
    // A control command is answered for each of the lines; only that for flow control counts here.
    if (wanted === undefined || this.#isReady || (command === ComPort.control && number !== wanted)) return;
    if (number !== wanted) {
      this.#handlers.onRefused(refusalOf(command, wanted, number));
      return;
    }
    this.#missing?.delete(command);
    if (this.#missing?.size !== 0) return;
    this.#isReady = true;
    this.#handlers.onReady();
  }

  /** Asks for another rate, in bit/s: `onBaud` tells which it is then. */
  setBaud(baud: number): void {
    this.#command(ComPort.baud, baud >>> 24, (baud >>> 16) & 0xff, (baud >>> 8) & 0xff, baud & 0xff);
  }

  /** Asks to drop what was sent and has not left. */
  purge(): void {
    this.#command(ComPort.purge, PURGE_UNSENT);
  }

  /** Sets the modem lines: true is asserted. */
  setLines(dtr: boolean, rts: boolean): void {
    this.#command(ComPort.control, dtr ? DTR.on : DTR.off);
    this.#command(ComPort.control, rts ? RTS.on : RTS.off);
  }

  #command(command: number, ...value: readonly number[]): void {
    this.#handlers.send(subnegotiation(Option.comPort, [command, ...value]));
  }
}

function refusalOf(command: number, wanted: number, got: number): string {
  if (command === ComPort.baud) return `its port does not do ${wanted} baud (it answers ${got})`;
  const what =
    command === ComPort.dataSize
      ? "8 data bits"
      : command === ComPort.parity
        ? "this parity"
        : "these stop bits";
  return `its port does not do ${what}`;
}
