import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import type { Beacon } from "../wire/messages.ts";

/** Most boards that are remembered; the oldest is forgotten first. */
const BOARDS_MAX = 256;

/** On which link each board was heard. One id on two links with two boot nonces is a copied board (PROTOCOL.md 5.6). */
export class KnownBoards {
  readonly #heard: BoundedMap<string, { readonly link: string; readonly nonce: string }> = new BoundedMap(
    BOARDS_MAX,
  );

  /** Records a beacon. `isCopied`: its id was last heard on another link, with another boot nonce. */
  record(link: string, beacon: Beacon): { readonly isCopied: boolean } {
    const id = toHex(beacon.nodeId);
    const nonce = toHex(beacon.bootNonce);
    const known = this.#heard.get(id);
    this.#heard.set(id, { link, nonce });
    return { isCopied: known !== undefined && known.link !== link && known.nonce !== nonce };
  }
}
