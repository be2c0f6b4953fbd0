import type { Millis } from "../base/units.ts";
import type { Deferral } from "../session/handshake.ts";
import type { ImageWord, Offer } from "../wire/messages.ts";
import type { LinkRole } from "./link-role.ts";
import type { Neighbour } from "./neighbours.ts";

/** What a node machine wants done, or reports. */
export type NodeAction =
  /** Exchange the role on a link. */
  | { readonly tag: "role"; readonly link: number; readonly role: LinkRole }
  /** Say the own status on a link, where the idle role is. */
  | { readonly tag: "announce"; readonly link: number }
  /** The board claims its turn to overwrite its only image, or no longer does: its status says so from now on. */
  | { readonly tag: "claim"; readonly isOn: boolean }
  /**
   * Tell the rescuer of an offer that nobody called for that the board wants no update (`healthy`), or is served by another
   * rescuer (`served`).
   */
  | {
      readonly tag: "decline";
      readonly link: number;
      readonly offer: Offer;
      readonly why: "healthy" | "served";
      /** It wants it later. */
      readonly deferral?: Deferral;
    }
  /** Say a word about an image on a link, where the idle role is. */
  | { readonly tag: "advise"; readonly link: number; readonly advice: ImageWord }
  /** An image is held up for this long: on this link, or with a proof everywhere. */
  | {
      readonly tag: "suspect";
      readonly link: number;
      readonly digest: Uint8Array;
      readonly forMs: Millis;
      readonly isProven: boolean;
    }
  /** A neighbour said something new of itself. */
  | { readonly tag: "neighbour"; readonly neighbour: Neighbour }
  /** A neighbour runs another image of the same order as the own one. */
  | { readonly tag: "conflict"; readonly neighbour: Neighbour }
  /** One id on two links with two boot nonces in turn. */
  | { readonly tag: "copied"; readonly link: number; readonly nodeId: Uint8Array };
