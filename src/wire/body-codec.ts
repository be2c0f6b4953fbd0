import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { Beacon, Message } from "./messages.ts";

/** Both directions of a message's body: everything between its type and its extensions (PROTOCOL.md 5). */
export interface BodyCodec<M> {
  encode(w: ByteWriter, message: M): void;
  /**
   * Undefined when a field has a value that this version does not take. A body that is too short shows in `r.failed`;
   * what is given then means nothing. Views into the body are kept.
   */
  decode(r: ByteReader): M | undefined;
}

/** The message with this tag. */
export type MessageOf<T extends Message["tag"]> = T extends Beacon["tag"]
  ? Beacon
  : Extract<Message, { readonly tag: T }>;

/** The codecs of these messages, by their tags. */
export type BodyCodecs<T extends Message["tag"]> = { readonly [Tag in T]: BodyCodec<MessageOf<Tag>> };

/** The nearest number that 16 bits hold. */
export function clampU16(value: number): number {
  return Math.max(0, Math.min(0xffff, Math.round(value)));
}
