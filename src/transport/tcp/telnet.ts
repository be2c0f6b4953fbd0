/** Telnet's escape and what may follow it (RFC 854). */
export const IAC = 0xff;
const SUBNEGOTIATION = 0xfa;
const SUBNEGOTIATION_END = 0xf0;
export const Verb = { will: 0xfb, wont: 0xfc, do: 0xfd, dont: 0xfe } as const;
export type Verb = (typeof Verb)[keyof typeof Verb];
/** Options: binary (RFC 856), no go-ahead (RFC 858), serial port (RFC 2217). */
export const Option = { binary: 0, noGoAhead: 3, comPort: 44 } as const;

/** Most bytes of a subnegotiation that are kept; RFC 2217 has up to 6 that mean anything, and a signature. */
const SUBNEGOTIATION_MAX = 256;

/** What a telnet peer says beside data. */
export type TelnetCommand =
  | { readonly tag: "option"; readonly verb: Verb; readonly option: number }
  /** `body`: the bytes between option and end. */
  | { readonly tag: "sub"; readonly option: number; readonly body: Uint8Array };

/** Where a reader is in what comes. */
type State = "data" | "command" | "option" | "sub" | "subCommand";

/** Takes telnet's commands out of a stream, whose pieces may be cut anywhere. Sans-IO, never throws. */
export class TelnetReader {
  #state: State = "data";
  #verb: Verb = Verb.will;
  #sub: number[] = [];

  /** Takes in bytes; gives the data among them, and calls `onCommand` for what else is there, in order. */
  read(bytes: Uint8Array, onCommand: (command: TelnetCommand) => void): Uint8Array {
    if (this.#state === "data" && !bytes.includes(IAC)) return bytes;
    const data = new Uint8Array(bytes.length);
    let length = 0;
    for (const byte of bytes) {
      switch (this.#state) {
        case "data":
          if (byte === IAC) this.#state = "command";
          else data[length++] = byte;
          break;
        case "command":
          if (byte === IAC) data[length++] = IAC;
          this.#state = this.#afterCommand(byte);
          break;
        case "option":
          onCommand({ tag: "option", verb: this.#verb, option: byte });
          this.#state = "data";
          break;
        case "sub":
          if (byte === IAC) this.#state = "subCommand";
          else this.#keep(byte);
          break;
        case "subCommand":
          if (byte === IAC) this.#keep(IAC);
          if (byte === SUBNEGOTIATION_END) {
            const [option = IAC, ...body] = this.#sub;
            onCommand({ tag: "sub", option, body: Uint8Array.from(body) });
          }
          this.#state = byte === IAC ? "sub" : "data";
          break;
      }
    }
    return data.subarray(0, length);
  }

  #afterCommand(byte: number): State {
    if (byte === SUBNEGOTIATION) {
      this.#sub = [];
      return "sub";
    }
    if (byte < Verb.will || byte > Verb.dont) return "data";
    this.#verb = byte as Verb;
    return "option";
  }

  #keep(byte: number): void {
    if (this.#sub.length < SUBNEGOTIATION_MAX) this.#sub.push(byte);
  }
}

/** Data as it is sent over telnet: each FF twice. */
export function telnetData(bytes: Uint8Array): Uint8Array {
  const escapes = bytes.reduce((count, byte) => count + (byte === IAC ? 1 : 0), 0);
  if (escapes === 0) return bytes;
  const out = new Uint8Array(bytes.length + escapes);
  let at = 0;
  for (const byte of bytes) {
    out[at++] = byte;
    if (byte === IAC) out[at++] = IAC;
  }
  return out;
}

/** What asks for an option, or answers. */
export function optionCommand(verb: Verb, option: number): Uint8Array {
  return Uint8Array.of(IAC, verb, option);
}

/** A subnegotiation of an option. */
export function subnegotiation(option: number, body: readonly number[]): Uint8Array {
  const inner = telnetData(Uint8Array.from(body));
  return Uint8Array.of(IAC, SUBNEGOTIATION, option, ...inner, IAC, SUBNEGOTIATION_END);
}
