import { toHex } from "../../src/base/bytes.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import type { Frame } from "../../src/wire/messages.ts";

/** Blocks that a grant names, with attempt and codecs. */
type Wants = Readonly<Record<number, string>>;

/**
 * What a target said, without what is free: how often it repeats itself, when it calls and knocks, its acks but the last one, and busy
 * (PROTOCOL.md 4.3, 5.2, 5.11).
 */
export class SideLog {
  /** Accepts, refusals, deferrals, stand-downs, byes and dones, in order, without repeats. */
  readonly answers: string[] = [];
  #grant: Wants | undefined;
  #request: readonly string[] | undefined;
  readonly #isUsual: (rescuerNonce: Uint8Array) => boolean;

  /** `isUsual`: whether the offer with this nonce was of the block size that both count their buffers for. */
  constructor(isUsual: (rescuerNonce: Uint8Array) => boolean) {
    this.#isUsual = isUsual;
  }

  /** The last call or beacon. */
  status: Uint8Array | undefined;
  /** The last ack without its delay. */
  ack: string | undefined;

  /** What it wants, as far as it said so. */
  get wants(): { readonly grant: Wants; readonly request: readonly string[] } {
    return { grant: this.#grant ?? {}, request: this.#request ?? [] };
  }

  /** Takes a frame that was sent, of the session with this tag if it is of one. Returns what it says. */
  take(bytes: Uint8Array, tag: number | undefined): string {
    const frame = decodeFrame(bytes, tag);
    return frame.tag === "fault" ? `${frame.fault} ${toHex(bytes)}` : this.#note(bytes, frame);
  }

  #note(bytes: Uint8Array, frame: Frame): string {
    switch (frame.tag) {
      case "accept": {
        this.#grant = undefined;
        this.#request = undefined;
        this.ack = undefined;
        // The C side counts its buffers in bytes, the TypeScript side in blocks.
        const openBlocks = this.#isUsual(frame.rescuerNonce) ? frame.openBlocks : 0;
        return this.#answer(encodeMessage({ ...frame, openBlocks }, 1), "accept");
      }
      case "refuse":
      case "bye":
      case "done":
      case "defer":
        return this.#answer(bytes, frame.tag);
      case "standDown": {
        // The time follows from the round trip, which the C side measures in whole milliseconds.
        const { rescuerNonce, winnerId } = frame;
        return this.#answer(Uint8Array.of(...rescuerNonce, ...winnerId), "standDown");
      }
      case "grant": {
        this.#grant = {};
        const wants: Record<number, string> = {};
        for (const { first, count, attempt, codecs } of frame.entries)
          for (let block = first; block < first + count; block++) wants[block] = `${attempt} ${codecs}`;
        this.#grant = wants;
        return `grant ${JSON.stringify(wants)}`;
      }
      case "request":
        this.#request = frame.wanted.map((node) =>
          typeof node === "string" ? node : `${node.level}/${node.index}`,
        );
        return `request ${this.#request.join(" ")}`;
      case "beacon":
      case "distress":
        this.status = bytes;
        return `${frame.tag} ${toHex(bytes)}`;
      case "ack":
        this.ack = `${frame.highest} ${toHex(frame.bitmap)}`;
        return `ack ${this.ack}`;
      default:
        return frame.tag;
    }
  }

  #answer(bytes: Uint8Array, name: string): string {
    const said = `${name} ${toHex(bytes)}`;
    // An accept that is still repeated may come before or after the answer to another rescuer.
    const kind = said.split(" ", 1)[0] ?? "";
    if (this.answers.findLast((one) => one.startsWith(`${kind} `)) !== said) this.answers.push(said);
    return said;
  }
}
