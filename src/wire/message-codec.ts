import { ByteReader, ByteWriter, EMPTY } from "../base/bytes.ts";
import { ANNOUNCEMENTS } from "./announcement-codecs.ts";
import type { BodyCodec, BodyCodecs, MessageOf } from "./body-codec.ts";
import { AnnounceType, RescuerControlType, TargetControlType } from "./constants.ts";
import { RESCUER_CONTROLS, TARGET_CONTROLS } from "./control-codecs.ts";
import { withExtensions } from "./extensions.ts";
import type { Announcement, Message, RescuerControl, TargetControl } from "./messages.ts";
import { extensionsAreAcceptable } from "./tlv.ts";

/** Room for the longest body; far above every limit of section 5. */
const BODY_MAX = 128;

const CODECS: BodyCodecs<Message["tag"]> = { ...ANNOUNCEMENTS, ...TARGET_CONTROLS, ...RESCUER_CONTROLS };

/** The codecs of one class of messages, by the number of their type. */
function byType<T extends Message["tag"]>(
  types: Readonly<Record<T, number>>,
  codecs: BodyCodecs<T>,
): ReadonlyMap<number, BodyCodec<MessageOf<T>>> {
  const tags = Object.keys(types) as T[];
  return new Map(tags.map((tag) => [types[tag], codecs[tag]]));
}

const ANNOUNCEMENTS_BY_TYPE = byType(AnnounceType, ANNOUNCEMENTS);
const TARGET_CONTROLS_BY_TYPE = byType(TargetControlType, TARGET_CONTROLS);
const RESCUER_CONTROLS_BY_TYPE = byType(RescuerControlType, RESCUER_CONTROLS);

/** Number of the message's type within its class. */
export function typeOfMessage(message: Message): number {
  return isTargetControl(message)
    ? TargetControlType[message.tag]
    : isRescuerControl(message)
      ? RescuerControlType[message.tag]
      : AnnounceType[message.tag];
}

export function isTargetControl(message: Message): message is TargetControl {
  return message.tag in TargetControlType;
}

export function isRescuerControl(message: Message): message is RescuerControl {
  return message.tag in RescuerControlType;
}

/** The body of a message: everything between the type and the extensions (PROTOCOL.md 5). */
export function encodeBody(message: Message): Uint8Array {
  const w = new ByteWriter(BODY_MAX);
  // The compiler does not see that the codec found by a message's tag is that message's.
  const codec = CODECS[message.tag] as BodyCodec<Message>;
  codec.encode(w, message);
  return w.finish();
}

/** Decodes an announcement; undefined when it is malformed. */
export function decodeAnnouncement(type: number, body: Uint8Array): Announcement | "unknown" | undefined {
  return decodeBody(ANNOUNCEMENTS_BY_TYPE.get(type), body);
}

/** Decodes a control frame that a target sends; undefined when it is malformed. */
export function decodeTargetControl(type: number, body: Uint8Array): TargetControl | "unknown" | undefined {
  return decodeBody(TARGET_CONTROLS_BY_TYPE.get(type), body);
}

/** Decodes a control frame that a rescuer sends; undefined when it is malformed. */
export function decodeRescuerControl(type: number, body: Uint8Array): RescuerControl | "unknown" | undefined {
  return decodeBody(RESCUER_CONTROLS_BY_TYPE.get(type), body);
}

/** The message in a body that ends with extensions. */
function decodeBody<M extends Message>(
  codec: BodyCodec<M> | undefined,
  body: Uint8Array,
): M | "unknown" | undefined {
  if (codec === undefined) return "unknown";
  const r = new ByteReader(body);
  const message = codec.decode(r);
  if (message === undefined || r.failed) return undefined;
  const tail = r.remaining === 0 ? EMPTY : r.rest();
  return extensionsAreAcceptable(tail) ? withExtensions(message, tail) : undefined;
}
