import { ByteReader, ByteWriter, EMPTY } from "../base/bytes.ts";
import { ExtensionType, LIMITS_LENGTH } from "./constants.ts";
import {
  type Accept,
  type Ack,
  type Beacon,
  isBeacon,
  type Message,
  type Offer,
  type Query,
  type SaysForms,
} from "./messages.ts";
import { extensionOf } from "./tlv.ts";

/** Messages that may say what their sender can hear, and what the line does to bytes (PROTOCOL.md 3.5). */
const SAYS_FORMS: ReadonlySet<Message["tag"]> = new Set(["query", "beacon", "distress", "offer"]);
/** Bytes of the value of *partial*: a u24. */
const PARTIAL_LENGTH = 3;
/** Bytes of the value of *inline*: a u32. */
const INLINE_LENGTH = 4;
/** Room for all extensions of a message but the proof of a link key. */
const EXTENSIONS_MAX = 16;

/** Whether a message of this kind says what its sender can hear. A query that carries a call leaves it to that. */
export function saysForms(message: Message): message is Message & SaysForms {
  const isCarrier = message.tag === "query" && message.call !== undefined;
  return SAYS_FORMS.has(message.tag) && !isCarrier;
}

/** The extensions of a message, but for the proof of a link key, which comes behind them. */
export function encodeExtensions(message: Message): Uint8Array {
  const call = message.tag === "query" ? message.call : undefined;
  const w = new ByteWriter(EXTENSIONS_MAX + (call?.length ?? 0));
  if (call !== undefined) w.u8(ExtensionType.call).u8(call.length).bytes(call);
  if (saysForms(message) && message.forms !== undefined) w.u8(ExtensionType.forms).u8(1).u8(message.forms);
  if (saysForms(message) && message.changes !== undefined)
    w.u8(ExtensionType.changes).u8(1).u8(message.changes);
  if (message.tag === "offer" && message.partial !== undefined)
    w.u8(ExtensionType.partial)
      .u8(PARTIAL_LENGTH)
      .u16(message.partial & 0xffff)
      .u8(message.partial >> 16);
  if (message.tag === "offer" && message.hasLocator === true) w.u8(ExtensionType.locator).u8(0);
  if (isBeacon(message) && message.inlineBytes !== undefined)
    w.u8(ExtensionType.inline).u8(INLINE_LENGTH).u32(message.inlineBytes);
  if (message.tag === "ack" && message.mended !== undefined)
    w.u8(ExtensionType.mended)
      .u8(2)
      .u16(message.mended & 0xffff);
  if (message.tag === "accept" && message.limits !== undefined)
    w.u8(ExtensionType.limits).u8(LIMITS_LENGTH).u16(message.limits.payloadMax).u32(message.limits.baudMax);
  return w.finish();
}

/**
 * The message with what its extensions say. `tail`: complete extensions. One that is too short for its meaning says nothing;
 * what follows the bytes that this version knows is skipped.
 */
export function withExtensions<M extends Message>(message: M, tail: Uint8Array): M {
  if (tail.length === 0) return message;
  if (saysForms(message)) {
    const forms = extensionOf(tail, ExtensionType.forms)?.at(0);
    const changes = extensionOf(tail, ExtensionType.changes)?.at(0);
    return {
      ...message,
      ...(forms !== undefined && { forms }),
      ...(changes !== undefined && { changes }),
      ...(message.tag === "offer" && { ...partialIn(tail), ...locatorIn(tail) }),
      ...(isBeacon(message) && inlineIn(tail)),
      ...(message.tag === "query" && callIn(tail)),
    };
  }
  if (message.tag === "accept") return { ...message, ...limitsIn(tail) };
  return message.tag === "ack" ? { ...message, ...mendedIn(tail) } : message;
}

function limitsIn(tail: Uint8Array): Pick<Accept, "limits"> {
  const value = extensionOf(tail, ExtensionType.limits);
  if (value?.length !== LIMITS_LENGTH) return {};
  const r = new ByteReader(value);
  return { limits: { payloadMax: r.u16(), baudMax: r.u32() } };
}

function partialIn(tail: Uint8Array): Pick<Offer, "partial"> {
  const value = extensionOf(tail, ExtensionType.partial);
  if (value === undefined || value.length < PARTIAL_LENGTH) return {};
  const r = new ByteReader(value);
  return { partial: r.u16() + r.u8() * 0x1_0000 };
}

function inlineIn(tail: Uint8Array): Pick<Beacon, "inlineBytes"> {
  const value = extensionOf(tail, ExtensionType.inline);
  if (value === undefined || value.length < INLINE_LENGTH) return {};
  return { inlineBytes: new ByteReader(value).u32() };
}

function callIn(tail: Uint8Array): Pick<Query, "call"> {
  const call = extensionOf(tail, ExtensionType.call);
  return call === undefined ? {} : { call };
}

function locatorIn(tail: Uint8Array): Pick<Offer, "hasLocator"> {
  return extensionOf(tail, ExtensionType.locator) === undefined ? {} : { hasLocator: true };
}

function mendedIn(tail: Uint8Array): Pick<Ack, "mended"> {
  const r = new ByteReader(extensionOf(tail, ExtensionType.mended) ?? EMPTY);
  const mended = r.u16();
  return r.failed ? {} : { mended };
}
