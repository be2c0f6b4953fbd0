import { toHex } from "../base/bytes.ts";
import type { Beacon } from "../wire/messages.ts";

/** Boards remembered at most; the oldest is forgotten. */
const BOARDS_MAX = 256;

/** Which board was heard where (PROTOCOL.md 5.6): one id on two links under two boot nonces is a copied board. */
export class KnownBoards {
  readonly #heard: Map<string, { readonly link: string; readonly nonce: string }> = new Map();

  /** Takes in a beacon; true when its id lives on another link under another nonce. */
  isCopied(link: string, beacon: Beacon): boolean {
    const id = toHex(beacon.nodeId);
    const nonce = toHex(beacon.bootNonce);
    const known = this.#heard.get(id);
    this.#heard.delete(id);
    this.#heard.set(id, { link, nonce });
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > BOARDS_MAX && oldest !== undefined) this.#heard.delete(oldest);
    return known !== undefined && known.link !== link && known.nonce !== nonce;
  }
}
