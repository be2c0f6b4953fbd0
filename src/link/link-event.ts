import type { LinkProof } from "../wire/link-proof.ts";
import type { DataChunk, Message, ObjectChunk } from "../wire/messages.ts";
import type { Stranger } from "./strangers/stranger.ts";

/** What a link reports to the session above it. */
export type LinkEvent =
  /**
   * `proof`: by which an offer, or an answer to one, shows a link key. Not checked yet. `covered`: of a call, the bytes of its
   * frame without CRC, which the proof of an answer binds. A view.
   */
  | {
      readonly tag: "message";
      readonly message: Message;
      readonly proof?: LinkProof;
      readonly covered?: Uint8Array;
    }
  | { readonly tag: "chunk"; readonly chunk: DataChunk | ObjectChunk }
  /** A frame of a session that is over. */
  | { readonly tag: "stale" }
  /** A run that is no frame and no text: a damaged frame, or noise. */
  | { readonly tag: "damaged" }
  | { readonly tag: "console"; readonly text: string }
  /** Somebody speaks another protocol version; each of them is reported once. */
  | { readonly tag: "foreignVersion"; readonly version: number }
  /** A frame whose bytes the line changed on their way, and that is proved: a node speaks, and is not understood. */
  | { readonly tag: "changed" }
  /** Somebody who does not speak mayday was recognised; each kind once until a frame is heard. */
  | { readonly tag: "stranger"; readonly stranger: Stranger };
