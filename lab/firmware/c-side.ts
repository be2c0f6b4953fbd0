/// <reference path="../../test/support/web-assembly.d.ts" />
import { readFileSync } from "node:fs";
import { checkSignature } from "../../src/image/ed25519.ts";

type Export = (...args: number[]) => number;

/** Signatures that were checked are remembered, as an image is judged again and again. */
const SIGNATURES_MAX = 4096;

const modules: Map<string, WebAssembly.Module> = new Map();

function moduleOf(path: string): WebAssembly.Module {
  const known = modules.get(path) ?? new WebAssembly.Module(readFileSync(path));
  modules.set(path, known);
  return known;
}

const noted: Map<string, boolean> = new Map();

/** Whether a signature is right, by the check of the TypeScript side: it is no part of what is compared. */
function isRight(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  const name = Buffer.concat([key, signature, message]).toString("latin1");
  const known = noted.get(name);
  if (known !== undefined) return known;
  const is = checkSignature(key, message, signature) === undefined;
  if (noted.size >= SIGNATURES_MAX) noted.clear();
  noted.set(name, is);
  return is;
}

/** What `answer` holds, field by field. */
export class Answer {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  number(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  bytes(length: number): Uint8Array {
    this.#at += length;
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.#at - length, length).slice();
  }

  get isEmpty(): boolean {
    return this.#at >= this.#view.byteLength;
  }

  rest(): Uint8Array {
    return this.bytes(this.#view.byteLength - this.#at);
  }
}

/** The C side: one instance of differential.wasm, which is a board with its target, and all its functions. */
export class CSide {
  now = 0;
  /** The flash; set before functions that read one. */
  flash: Uint8Array = new Uint8Array();
  erasedByte = 0xff;
  writeSize = 1;
  /** Programs that turned a bit back, or did not begin and end with a write unit. */
  faults = 0;
  /** What its port gives as random bytes, over and over. */
  chance: Uint8Array = new Uint8Array(8);
  onTx: (bytes: Uint8Array) => void = () => {};
  readonly #exports: Record<string, Export>;
  readonly #memory: WebAssembly.Memory;
  readonly #exchangeAt: number;
  readonly #answerAt: number;

  /** `path`: of the module that scripts/firmware/wasm.mjs built. */
  constructor(path: string) {
    const host = {
      now_ms: () => Math.floor(this.now) >>> 0,
      tx: (at: number, length: number) => {
        this.onTx(this.#bytes(at, length).slice());
        return length;
      },
      read: (offset: number, at: number, length: number) => {
        const from = offset >>> 0;
        if (from + length > this.flash.length) return 0;
        this.#bytes(at, length).set(this.flash.subarray(from, from + length));
        return 1;
      },
      erase: (offset: number, length: number) => {
        this.flash.fill(this.erasedByte, offset >>> 0, (offset >>> 0) + length);
        return 1;
      },
      program: (offset: number, at: number, length: number) =>
        this.#program(offset >>> 0, this.#bytes(at, length)),
      verify: (key: number, signature: number, message: number, length: number) =>
        isRight(this.#bytes(key, 32), this.#bytes(signature, 64), this.#bytes(message, length)) ? 1 : 0,
      random: (at: number, length: number) => {
        for (let i = 0; i < length; i++) this.#bytes(at + i, 1)[0] = this.chance[i % this.chance.length] ?? 0;
      },
    };
    const { exports } = new WebAssembly.Instance(moduleOf(path), { host });
    this.#exports = exports as Record<string, Export>;
    this.#memory = exports["memory"] as WebAssembly.Memory;
    this.#exchangeAt = this.call("exchange");
    this.#answerAt = this.call("answer");
  }

  /** Calls an export; its result as an unsigned number. */
  call(name: string, ...args: number[]): number {
    const call = this.#exports[name];
    if (call === undefined) throw new Error(`differential.wasm has no ${name}`);
    return call(...args) >>> 0;
  }

  /** Calls an export with bytes in `exchange`, and their number first unless `isLengthGiven` is false. */
  callWith(name: string, bytes: Uint8Array, ...args: number[]): number {
    this.exchange(bytes);
    return this.call(name, bytes.length, ...args);
  }

  exchange(bytes: Uint8Array): void {
    this.#bytes(this.#exchangeAt, bytes.length).set(bytes);
  }

  exchanged(length: number): Uint8Array {
    return this.#bytes(this.#exchangeAt, length).slice();
  }

  answer(): Answer {
    return new Answer(this.#bytes(this.#answerAt, this.call("answer_length")));
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  #program(offset: number, bytes: Uint8Array): number {
    if (offset % this.writeSize !== 0 || bytes.length % this.writeSize !== 0) this.faults++;
    for (const [i, byte] of bytes.entries()) {
      const old = (this.flash[offset + i] ?? 0) ^ this.erasedByte;
      const next = byte ^ this.erasedByte;
      if ((old & ~next) !== 0) this.faults++;
      this.flash[offset + i] = (old | next) ^ this.erasedByte;
    }
    return 1;
  }
}
