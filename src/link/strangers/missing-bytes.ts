import { CRC_RESIDUE, crcByteBetween, crcStep, crcStepBack } from "../../wire/crc-steps.ts";

/** A code byte of COBS that no zero follows. */
const FULL_STRETCH = 255;

/** Two bytes that a line takes out together: the given one, and any other one behind it or in front of it. */
export interface MissingPair {
  readonly byte: number;
  readonly isFirst: boolean;
}

/** What is missing in a run: this byte, or this pair. */
export type Missing = number | MissingPair;

/**
 * What makes the CRC of a damaged run in COBS right when it is put in at one place: one of `bytes`, or one of `pairs`.
 * `start`: see {@link crcStart}. Takes time in proportion to the run, since the registers in front of each place and
 * behind it tell what is missing between them. Nothing is found behind a zero, which no run in COBS holds.
 */
export function findMissing(
  run: Uint8Array,
  start: number,
  bytes: readonly number[],
  pairs: readonly MissingPair[],
): Missing | undefined {
  const search = new Search(run);
  let register = start;
  for (let at = 0; at < run.length; ) {
    const code = run[at] as number;
    // No splitter gives such a run.
    if (code === 0) return undefined;
    const found =
      search.byteInBlock(at, register, bytes) ??
      search.pairInBlock(at, register, pairs) ??
      search.codeAt(at, register, bytes, pairs);
    if (found !== undefined) return found;
    const next = at + code;
    if (next > run.length) return undefined;
    for (let i = at + 1; i < next; i++) register = crcStep(register, run[i] as number);
    if (code !== FULL_STRETCH) register = crcStep(register, 0);
    at = next;
  }
  return undefined;
}

/** A run, and the registers that its end asks for at each place where a block may begin. */
class Search {
  readonly #run: Uint8Array;
  /** By index: the register in front of a code byte there, from which the rest leads to the right CRC. */
  readonly #wanted: (number | undefined)[];

  constructor(run: Uint8Array) {
    this.#run = run;
    this.#wanted = new Array(run.length);
    for (let at = run.length - 1; at >= 0; at--) {
      const code = run[at] as number;
      const end = this.#behind(at + code, code);
      if (end !== undefined) this.#wanted[at] = this.#back(end, at + code, at + 1);
    }
  }

  /** The register behind the last byte of a block with this code, if the next block begins at `next`. */
  #behind(next: number, code: number): number | undefined {
    if (next === this.#run.length) return CRC_RESIDUE;
    const wanted = this.#wanted[next];
    return wanted === undefined || code === FULL_STRETCH ? wanted : crcStepBack(wanted, 0);
  }

  #back(register: number, from: number, to: number): number {
    let back = register;
    for (let i = from - 1; i >= to; i--) back = crcStepBack(back, this.#run[i] as number);
    return back;
  }

  byteInBlock(at: number, register: number, bytes: readonly number[]): number | undefined {
    return this.#inBlock(at, register, 1, (before, after) => {
      const byte = crcByteBetween(before, after);
      return byte !== undefined && bytes.includes(byte) ? byte : undefined;
    });
  }

  pairInBlock(at: number, register: number, pairs: readonly MissingPair[]): MissingPair | undefined {
    if (pairs.length === 0) return undefined;
    return this.#inBlock(at, register, 2, (before, after) =>
      pairs.find(({ byte, isFirst }) =>
        isFirst
          ? crcByteBetween(crcStep(before, byte), after) !== undefined
          : crcByteBetween(before, crcStepBack(after, byte)) !== undefined,
      ),
    );
  }

  /** Tries each place between the bytes of the block whose code byte is at `at`, if `count` of its bytes are missing. */
  #inBlock<T>(
    at: number,
    register: number,
    count: number,
    fill: (before: number, after: number) => T | undefined,
  ): T | undefined {
    const code = this.#run[at] as number;
    const next = at + code - count;
    if (next <= at || next > this.#run.length) return undefined;
    const end = this.#behind(next, code);
    if (end === undefined) return undefined;
    let before = register;
    let after = this.#back(end, next, at + 1);
    for (let i = at + 1; ; i++) {
      const found = fill(before, after);
      if (found !== undefined || i >= next) return found;
      const byte = this.#run[i] as number;
      before = crcStep(before, byte);
      // Steps forwards undo those backwards.
      after = crcStep(after, byte);
    }
  }

  /** Whether a code byte is missing at `at`, alone or with the byte behind it. */
  codeAt(
    at: number,
    register: number,
    bytes: readonly number[],
    pairs: readonly MissingPair[],
  ): Missing | undefined {
    const byte = bytes.find((code) => this.#wantedWithCode(at, code, 1) === register);
    if (byte !== undefined) return byte;
    return pairs.find(({ byte: code, isFirst }) => {
      const wanted = isFirst ? this.#wantedWithCode(at, code, 2) : undefined;
      return wanted !== undefined && crcByteBetween(register, wanted) !== undefined;
    });
  }

  /** The register in front of the bytes from `at` on, if these follow `count` missing bytes, the first of them this code. */
  #wantedWithCode(at: number, code: number, count: number): number | undefined {
    const next = at + code - count;
    if (next < at || next > this.#run.length) return undefined;
    const end = this.#behind(next, code);
    return end === undefined ? undefined : this.#back(end, next, at);
  }
}
