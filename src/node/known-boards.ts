import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import type { Beacon } from "../wire/messages.ts";

/** Most boards that are remembered; the oldest is forgotten first. */
const BOARDS_MAX = 256;

interface Known {
  readonly link: string;
  readonly nonce: string;
  /** The boot nonce before it. */
  readonly former: string | undefined;
}

/**
 * On which link each board was heard. A board has one boot nonce at a time, and none comes back: one id on two links, with two
 * boot nonces in turn, is a copied board (PROTOCOL.md 5.6).
 */
export class KnownBoards {
  readonly #heard: BoundedMap<string, Known> = new BoundedMap(BOARDS_MAX);

  /** Records a beacon. `isCopied`: its id was last heard on another link, with a boot nonce that came after this one. */
  record(link: string, beacon: Beacon): { readonly isCopied: boolean } {
    const id = toHex(beacon.nodeId);
    const nonce = toHex(beacon.bootNonce);
    const known = this.#heard.get(id);
    const former = known?.nonce === nonce ? known.former : known?.nonce;
    this.#heard.set(id, { link, nonce, former });
    return { isCopied: known !== undefined && known.link !== link && known.former === nonce };
  }
}
