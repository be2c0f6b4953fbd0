import { LineChangeBit } from "../../wire/constants.ts";
import type { MissingPair } from "./missing-bytes.ts";

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const XON = 0x11;
const XOFF = 0x13;
const BACKSPACE = 0x08;
const CARET = 0x5e;
const DELETE = 0x7f;
const IAC = 0xff;

/** What a line may do to the bytes of frames. Part of the JSON output ({@link StrangerKind}). */
export type ChangeKind = keyof typeof LineChangeBit;
export const CHANGE_KINDS: readonly ChangeKind[] = Object.keys(LineChangeBit) as ChangeKind[];

/** A sequence as it comes, and what it may have been. */
export interface Undo {
  readonly seen: readonly number[];
  readonly was: readonly (readonly number[])[];
}

/** One thing that a tty, an adapter or a server between two nodes does to all bytes. */
export interface LineChange {
  readonly kind: ChangeKind;
  /** Whether such a run, closing delimiter included, does not come out of a line that does this. `isFrame`: its CRC is right. */
  denies(run: Uint8Array, isFrame: boolean): boolean;
  /** How whole sequences are turned back. */
  readonly undo?: Undo;
  /** Single bytes, and pairs of one of these and any other one, that it takes out. */
  readonly takes?: readonly number[];
  readonly takesPairs?: readonly MissingPair[];
}

const denyAny =
  (...bytes: readonly number[]) =>
  (run: Uint8Array): boolean =>
    run.some((byte) => bytes.includes(byte));
const denyLone =
  (...bytes: readonly number[]) =>
  (run: Uint8Array): boolean =>
    run.some((byte, i) =>
      byte === CR ? bytes.includes(CR) && run[i + 1] !== LF : bytes.includes(byte) && run[i - 1] !== CR,
    );

/** A new kind of change is a row here. Rows that contradict each other may all stand: a run denies the wrong ones. */
export const LINE_CHANGES: readonly LineChange[] = [
  { kind: "telnet", denies: hasLoneIac, undo: { seen: [IAC, IAC], was: [[IAC]] } },
  {
    kind: "telnet",
    denies: (run, isFrame) => isFrame && run.includes(IAC),
    undo: { seen: [IAC], was: [[IAC, IAC]] },
    takesPairs: [{ byte: IAC, isFirst: true }],
  },
  { kind: "flow-control", denies: denyAny(XON, XOFF), takes: [XON, XOFF] },
  { kind: "line-ends", denies: denyAny(CR), undo: { seen: [LF], was: [[CR], [LF]] } },
  { kind: "line-ends", denies: denyAny(LF), undo: { seen: [CR], was: [[LF], [CR]] } },
  { kind: "line-ends", denies: denyLone(LF), undo: { seen: [CR, LF], was: [[LF]] } },
  { kind: "line-ends", denies: denyLone(CR), undo: { seen: [CR, LF], was: [[CR]] } },
  { kind: "line-ends", denies: denyLone(CR, LF), undo: { seen: [CR, LF], was: [[CR], [LF]] } },
  { kind: "line-ends", denies: denyAny(CR), takes: [CR] },
  { kind: "line-ends", denies: denyAny(LF), takes: [LF] },
  // What a terminal takes for interrupt, suspend and quit; for end of file and "next literally"; and for erase.
  { kind: "terminal", denies: denyAny(0x03, 0x1a, 0x1c), takes: [0x03, 0x1a, 0x1c] },
  { kind: "terminal", denies: denyAny(0x04, 0x16), takes: [0x04, 0x16] },
  { kind: "terminal", denies: denyAny(DELETE), takesPairs: [{ byte: DELETE, isFirst: false }] },
  { kind: "terminal", denies: denyAny(BACKSPACE), takesPairs: [{ byte: BACKSPACE, isFirst: false }] },
];

/** Changes that are shown by other means than undoing them in one run. */
export const OPTIONS: LineChange = { kind: "telnet", denies: (run, isFrame) => isFrame && hasLoneIac(run) };
/** A zero behind each CR, as in telnet's text: it cuts frames. */
export const ZERO_BEHIND_CR: LineChange = {
  kind: "telnet",
  denies: (run) => run.some((byte, i) => byte === CR && i + 1 < run.length && run[i + 1] !== NUL),
};
export const ZEROS_DROPPED: LineChange = { kind: "zeros-dropped", denies: denyAny(NUL) };
export const CARETS: LineChange = { kind: "terminal", denies: denyAny(NUL) };
export const SEVEN_BITS: LineChange = {
  kind: "seven-bits",
  denies: (run) => !hasSevenBits(run) && !hasOddParity(run),
};

/** Whether bytes FF stand there in an odd number: telnet doubles each, but in its options. */
function hasLoneIac(run: Uint8Array): boolean {
  let isOdd = false;
  for (let i = optionsLength(run); i <= run.length; i++) {
    if (run[i] === IAC) isOdd = !isOdd;
    else if (isOdd) return true;
  }
  return false;
}

/** Bytes at the start of a run that negotiate options of telnet: IAC, WILL to DONT, option. */
export function optionsLength(run: Uint8Array): number {
  let at = 0;
  while (
    run[at] === IAC &&
    (run[at + 1] ?? 0) >= 0xfb &&
    (run[at + 1] ?? 0) < IAC &&
    (run[at + 2] ?? IAC) < 0x40
  )
    at += 3;
  return at;
}

/**
 * A zero, a code byte and the first two bytes of an announcement, as a terminal echoes control bytes: a caret and a letter;
 * or eight control bytes in a row, as one that drops the head at an interrupt echoes the rest.
 */
const ECHOED_HEAD = /\^@(?:\^.|[^^])\^P\^[A-J]|(?:\^[@-_]){8}/s;

/** Whether the run holds part of an announcement as a terminal echoes it. */
export function hasEchoedHead(run: Uint8Array): boolean {
  return run.includes(CARET) && ECHOED_HEAD.test(String.fromCharCode(...run));
}

/** Whether bit 7 of all bytes is 0, or makes the number of ones even. */
export function hasSevenBits(body: Uint8Array): boolean {
  return body.every((byte) => byte < 0x80) || body.every((byte) => !isOddOnes(byte));
}

/** Whether the number of ones is odd in all bytes: odd parity read as an eighth bit. Not a single zero is among them. */
export function hasOddParity(body: Uint8Array): boolean {
  return body.every(isOddOnes);
}

function isOddOnes(byte: number): boolean {
  const nibble = byte ^ (byte >> 4);
  return ((0x6996 >> (nibble & 0x0f)) & 1) === 1;
}

/** Sequences that are tried in all combinations, at most: of more, all alike, and one unlike the others. */
const COMBINED_MAX = 6;

/** The runs that may have been before a change, the likeliest first; none if nothing in the run shows it. */
export function* undone(run: Uint8Array, { seen, was }: Undo): Generator<Uint8Array> {
  const places: number[] = [];
  for (let i = 0; i + seen.length <= run.length; i++) {
    if (!seen.every((byte, j) => run[i + j] === byte)) continue;
    places.push(i);
    i += seen.length - 1;
  }
  if (places.length === 0) return;
  const build = (choose: (place: number) => number): Uint8Array => {
    const out: number[] = [];
    let from = 0;
    places.forEach((place, i) => {
      for (let j = from; j < place; j++) out.push(run[j] as number);
      out.push(...(was[choose(i)] as readonly number[]));
      from = place + seen.length;
    });
    for (let j = from; j < run.length; j++) out.push(run[j] as number);
    return Uint8Array.from(out);
  };
  yield build(() => 0);
  if (was.length === 1) return;
  if (places.length > COMBINED_MAX) {
    for (const other of places.keys()) {
      yield build((i) => (i === other ? 1 : 0));
      if (other >= 1 << COMBINED_MAX) return;
    }
    return;
  }
  for (let bits = 1; bits < 1 << places.length; bits++) yield build((i) => (bits >> i) & 1);
}
