import type { ChangeKind } from "../../src/link/strangers/line-changes.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { wrappedTransport } from "./wrapped-transport.ts";

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const IAC = 0xff;

/** Makes what one direction of a line does to its bytes, with its own state. */
export type MakeChange = () => (bytes: Uint8Array) => Iterable<number>;

/** Bytes that may depend on the one before: `turn` gets each byte and the one before it. */
const each =
  (turn: (byte: number, before: number | undefined) => readonly number[]): MakeChange =>
  () => {
    let before: number | undefined;
    return (bytes) =>
      [...bytes].flatMap((byte) => {
        const turned = turn(byte, before);
        before = byte;
        return turned;
      });
  };

const drop = (...dropped: readonly number[]): MakeChange =>
  each((byte) => (dropped.includes(byte) ? [] : [byte]));
const turn = (from: number, ...to: readonly number[]): MakeChange =>
  each((byte) => (byte === from ? to : [byte]));

/** One change behind another. */
export const both =
  (first: MakeChange, second: MakeChange): MakeChange =>
  () => {
    const [one, two] = [first(), second()];
    return (bytes) => two(Uint8Array.from(one(bytes)));
  };

/** A telnet server reads what comes from its client: FF FF is FF, other commands are taken out. */
const readTelnet: MakeChange = () => {
  let state: "data" | "command" | "option" = "data";
  return (bytes) =>
    [...bytes].flatMap((byte) => {
      const was = state;
      if (was === "data") state = byte === IAC ? "command" : "data";
      else state = was === "command" && byte >= 0xfb && byte < IAC ? "option" : "data";
      if (was === "command") return byte === IAC ? [IAC] : [];
      return was === "option" || byte === IAC ? [] : [byte];
    });
};

const parity = (byte: number): number => {
  let ones = 0;
  for (let bits = byte & 0x7f; bits > 0; bits >>= 1) ones += bits & 1;
  return (byte & 0x7f) | ((ones & 1) << 7);
};

/** A terminal that edits lines, without signals: erase takes the byte before it. Lines are handed on at once here. */
const edited: MakeChange = () => {
  let line: number[] = [];
  return (bytes) => {
    line = [];
    for (const byte of bytes)
      if (byte === 0x7f) line.pop();
      else line.push(byte);
    return line;
  };
};

/** What lines do to bytes, by its name and how it is to be named. */
export const CHANGED_LINES: readonly (readonly [ChangeKind, string, MakeChange])[] = [
  ["telnet", "doubles FF", turn(IAC, IAC, IAC)],
  ["telnet", "reads telnet", readTelnet],
  ["telnet", "puts a zero behind each CR", turn(CR, CR, NUL)],
  ["flow-control", "takes XON and XOFF out", drop(0x11, 0x13)],
  ["line-ends", "turns CR to LF", turn(CR, LF)],
  ["line-ends", "turns LF to CR", turn(LF, CR)],
  ["line-ends", "turns LF to CR LF", turn(LF, CR, LF)],
  ["line-ends", "turns CR to CR LF", turn(CR, CR, LF)],
  ["line-ends", "turns both to CR LF", both(turn(CR, LF), turn(LF, CR, LF))],
  ["line-ends", "takes CR out", drop(CR)],
  ["line-ends", "takes LF out", drop(LF)],
  ["terminal", "takes 7F for erase", edited],
  ["zeros-dropped", "takes zeros out", drop(NUL)],
  ["seven-bits", "cuts off bit 7", each((byte) => [byte & 0x7f])],
  ["seven-bits", "makes bit 7 even parity", each((byte) => [parity(byte)])],
  ["seven-bits", "makes bit 7 odd parity", each((byte) => [parity(byte) ^ 0x80])],
];

/** An end of a wire whose received bytes are changed. */
export function changedEnd(wire: Transport, make: MakeChange): Transport {
  const change = make();
  return wrappedTransport(wire, {
    onBytes: (bytes, handlers) => {
      const changed = Uint8Array.from(change(bytes));
      if (changed.length > 0) handlers.onBytes(changed);
    },
  });
}
