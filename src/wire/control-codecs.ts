import type { ByteReader } from "../base/bytes.ts";
import { type BodyCodec, type BodyCodecs, clampU16 } from "./body-codec.ts";
import {
  ACK_BITMAP_LENGTH,
  ACK_DELAY_UNIT_MS,
  GRANT_ENTRIES_MAX,
  HAVE_ENTRIES_MAX,
  LOCATOR_LEVEL,
  MANIFEST_LEVEL,
  REQUEST_ENTRIES_MAX,
  SHORT_DIGEST_LENGTH,
} from "./constants.ts";
import type {
  Ack,
  Busy,
  Done,
  DoneAck,
  Grant,
  GrantEntry,
  Have,
  Later,
  Rate,
  RateOk,
  Request,
  RescuerControl,
  TargetControl,
  WantedObject,
} from "./messages.ts";

/** PROTOCOL.md 4.3. */
const ack: BodyCodec<Ack> = {
  encode: (w, message) => {
    w.u16(message.highest & 0xffff).u8(Math.min(0xff, Math.round(message.delayMs / ACK_DELAY_UNIT_MS)));
    w.bytes(message.bitmap);
  },
  decode: (r) => {
    const highest = r.u16();
    const delayMs = r.u8() * ACK_DELAY_UNIT_MS;
    return { tag: "ack", highest, delayMs, bitmap: r.bytes(ACK_BITMAP_LENGTH) };
  },
};

/** PROTOCOL.md 5.9. */
const grant: BodyCodec<Grant> = {
  encode: (w, message) => {
    w.u16(message.sequence).u8(message.entries.length);
    for (const e of message.entries)
      w.u24(e.first)
        .u8(e.count)
        .u8((e.attempt & 0xf) | (e.codecs << 4));
  },
  decode: (r) => {
    const sequence = r.u16();
    const count = r.u8();
    if (count > GRANT_ENTRIES_MAX) return undefined;
    return { tag: "grant", sequence, entries: Array.from({ length: count }, () => readGrantEntry(r)) };
  },
};

function readGrantEntry(r: ByteReader): GrantEntry {
  const first = r.u24();
  const count = r.u8();
  const how = r.u8();
  return { first, count, attempt: how & 0xf, codecs: how >>> 4 };
}

/** PROTOCOL.md 5.10. */
const request: BodyCodec<Request> = {
  encode: (w, message) => {
    w.u16(message.sequence).u8(message.wanted.length);
    for (const item of message.wanted) {
      if (item === "manifest") w.u8(MANIFEST_LEVEL).u24(0);
      else if (item === "locator") w.u8(LOCATOR_LEVEL).u24(0);
      else w.u8(item.level).u24(item.index);
    }
  },
  decode: (r) => {
    const sequence = r.u16();
    const count = r.u8();
    if (count > REQUEST_ENTRIES_MAX) return undefined;
    const wanted = Array.from({ length: count }, (): WantedObject => {
      const level = r.u8();
      const index = r.u24();
      if (level === LOCATOR_LEVEL && index === 0) return "locator";
      return level === MANIFEST_LEVEL ? "manifest" : { level, index };
    });
    return { tag: "request", sequence, wanted };
  },
};

/** PROTOCOL.md 5.11. */
const busy: BodyCodec<Busy> = {
  encode: (w, message) => {
    w.u16(clampU16(message.forMs));
  },
  decode: (r) => ({ tag: "busy", forMs: r.u16() }),
};

/** PROTOCOL.md 5.12. */
const done: BodyCodec<Done> = {
  encode: (w, message) => {
    w.bytes(message.digest);
  },
  decode: (r) => ({ tag: "done", digest: r.bytes(SHORT_DIGEST_LENGTH) }),
};

/** PROTOCOL.md 5.13. */
const later: BodyCodec<Later> = {
  encode: (w, message) => {
    w.u16(clampU16(message.forMs));
  },
  decode: (r) => ({ tag: "later", forMs: r.u16() }),
};

/** PROTOCOL.md 5.14. */
const doneAck: BodyCodec<DoneAck> = {
  encode: (w, message) => {
    w.bytes(message.digest);
  },
  decode: (r) => ({ tag: "doneAck", digest: r.bytes(SHORT_DIGEST_LENGTH) }),
};

/** PROTOCOL.md 5.17. */
const rate: BodyCodec<Rate> = {
  encode: (w, message) => {
    w.u8(message.step).u32(message.baud).u16(clampU16(message.afterMs));
  },
  decode: (r) => ({ tag: "rate", step: r.u8(), baud: r.u32(), afterMs: r.u16() }),
};

/** PROTOCOL.md 5.18. An unknown verdict is no yes. */
const rateOk: BodyCodec<RateOk> = {
  encode: (w, message) => {
    w.u8(message.step).u8(message.isTaken ? 1 : 0);
  },
  decode: (r) => ({ tag: "rateOk", step: r.u8(), isTaken: r.u8() === 1 }),
};

/** PROTOCOL.md 5.21. */
const have: BodyCodec<Have> = {
  encode: (w, message) => {
    w.u8(message.ranges.length);
    for (const { first, count } of message.ranges) w.u24(first).u24(count);
  },
  decode: (r) => {
    const entries = r.u8();
    if (entries > HAVE_ENTRIES_MAX) return undefined;
    return {
      tag: "have",
      ranges: Array.from({ length: entries }, () => ({ first: r.u24(), count: r.u24() })),
    };
  },
};

/** Codecs of the control messages that a target sends. */
export const TARGET_CONTROLS: BodyCodecs<TargetControl["tag"]> = { ack, grant, request, busy, done, rateOk };

/** Codecs of the control messages that a rescuer sends. */
export const RESCUER_CONTROLS: BodyCodecs<RescuerControl["tag"]> = { later, doneAck, rate, have };
