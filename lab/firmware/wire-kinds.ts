import { equalBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import { TimerTable } from "../../src/base/timer-table.ts";
import type { LinkTimer } from "../../src/link/link-timers.ts";
import { ReceiveSide } from "../../src/link/receive-side.ts";
import { consoleText, isMostlyPrintable } from "../../src/link/strangers/console-text.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { ACK_DELAY_UNIT_MS, BLOCK_MAX, CRC_LENGTH } from "../../src/wire/constants.ts";
import { saysForms } from "../../src/wire/extensions.ts";
import { decodeFrame, type FrameFault, isSessionFrame } from "../../src/wire/frame.ts";
import { linkProofOf } from "../../src/wire/link-proof.ts";
import { type Frame, isMessage } from "../../src/wire/messages.ts";
import { withCrc } from "../../test/support/with-crc.ts";
import { mutated, pick } from "../fuzz/mutate.ts";
import { FRAME_TAGS, randomFrame } from "../fuzz/random-frame.ts";
import { encodeFrame, reseal } from "../fuzz/wire-parsers.ts";
import { compared, type Kind } from "./kind.ts";
import { isUnnamed } from "./unnamed.ts";

const NOBODY = { ids: [], nonces: [], digests: [] };
const FAULTS = ["", "tooShort", "badCrc", "foreignVersion", "unauthentic", "unknown", "malformed"] as const;

/** Extensions as they may stand behind a message: unknown ones, critical ones, proofs, and some that are cut short. */
function extensions(random: Random, mayProve = true): Uint8Array {
  const type = pick(random, [mayProve ? 0x01 : 0x03, 0x02, 0x07, 0x08, 0x7d, 0x81, mayProve ? 0x01 : 0xff]);
  const length = pick(random, [0, 1, 8, 16, 16, 20]);
  const value = randomBytes(random, randomChance(random, 0.1) ? randomBelow(random, 20) : length);
  const one = Uint8Array.of(type, length, ...value);
  return randomChance(random, 0.3) ? Uint8Array.of(...one, ...extensions(random, type !== 0x01)) : one;
}

/** A frame of any kind, with fields full of chance, and some with extensions. */
function anyFrame(random: Random, tag: number): Uint8Array {
  const bytes = encodeFrame(randomFrame(random, pick(random, FRAME_TAGS), NOBODY), tag);
  if (!randomChance(random, 0.15)) return bytes;
  const longer = Uint8Array.of(...bytes.subarray(0, -CRC_LENGTH), ...extensions(random));
  return withCrc(longer, isSessionFrame(longer) ? tag : undefined);
}

/** What a frame is to the C side: no message about the rate of the line, or of what a rescuer has. */
function faultForC(input: Uint8Array, frame: Frame | FrameFault): string | undefined {
  const isRead = frame.tag !== "fault" || frame.fault === "malformed";
  if (isRead && isUnnamed(input)) return "unknown";
  return frame.tag === "fault" ? frame.fault : undefined;
}

/** What was read of a frame, but for extensions, which the C side does not say again. A block size that an offer does not say stands for the largest one (PROTOCOL.md 5.3). */
function readBack(bytes: Uint8Array, tag: number): unknown {
  const frame = decodeFrame(bytes, tag === 0 ? undefined : tag);
  if (frame.tag === "fault") return frame.fault;
  const unsaid = {
    forms: undefined,
    mended: undefined,
    limits: undefined,
    changes: undefined,
    call: undefined,
  };
  const known = { ...frame, ...unsaid, partial: undefined, inlineBytes: undefined, hasLocator: undefined };
  return frame.tag === "offer" && frame.blockSize === 0 ? { ...known, blockSize: BLOCK_MAX } : known;
}

const frame: Kind = {
  name: "frame",
  weight: 8,
  run(random, c) {
    const tag = randomChance(random, 0.05) ? 0 : random.u32() || 1;
    const seed = anyFrame(random, tag === 0 ? 1 : tag);
    const isWhole = randomChance(random, 0.4);
    const bent = isWhole ? seed : mutated(random, [seed, anyFrame(random, tag === 0 ? 1 : tag)]);
    const isMended = bent.length > CRC_LENGTH && tag !== 0 && randomChance(random, 0.8);
    const input = isMended ? reseal(bent, tag) : bent;
    const ts = decodeFrame(input, tag === 0 ? undefined : tag);
    const fault = FAULTS[c.callWith("parse_frame", input, tag)];
    const expected = faultForC(input, ts);
    if (expected !== undefined) return compared(input, false, expected, fault);
    if (ts.tag === "fault" || fault !== "") return compared(input, false, ts, fault);
    const answer = c.answer();
    const proofLength = answer.number();
    const saidForms = { forms: answer.number(), mended: answer.number() };
    const said = answer.rest();
    const proof = isMessage(ts) ? linkProofOf(ts, input) : undefined;
    // Of two extensions for a proof the TypeScript side takes the first and the C side the last: the text names one.
    const hasProof = proof !== undefined && proof.mac.length > 0;
    const isDoubtful = proof !== undefined && !hasProof && proofLength > 0;
    const wanted = {
      frame: readBack(input, tag),
      proof: isDoubtful ? proofLength : hasProof ? proof.extra.length + proof.mac.length : 0,
      forms: (isMessage(ts) && saysForms(ts) ? ts.forms : undefined) ?? 0,
      mended: (ts.tag === "ack" ? ts.mended : undefined) ?? 0xffff_ffff,
    };
    return compared(input, true, wanted, { frame: readBack(said, tag), proof: proofLength, ...saidForms });
  },
};

const cobs: Kind = {
  name: "cobs",
  weight: 4,
  run(random, c) {
    const seed = (): Uint8Array =>
      randomBytes(random, randomBelow(random, randomChance(random, 0.2) ? 1200 : 90)).map((byte) =>
        byte < 20 ? 0 : byte,
      );
    const plain = seed();
    const isWhole = randomChance(random, 0.5);
    const run = encodeDelimited(plain).slice(1, -1);
    const input = (isWhole ? run : mutated(random, [run, encodeDelimited(seed()).slice(1, -1)])).filter(
      (byte) => byte !== 0,
    );
    const decoded = decodeCobs(input);
    const length = c.callWith("decode_cobs", input);
    const outcome = compared(input, decoded !== undefined, decoded ?? new Uint8Array(), c.exchanged(length));
    if (outcome.difference !== undefined) return outcome;
    c.callWith("encode_cobs", plain);
    const said = c.answer().rest();
    return equalBytes(said, run) ? outcome : compared(plain, false, run, said);
  },
};

const text: Kind = {
  name: "text",
  weight: 1,
  run(random, c) {
    const letters = new TextEncoder().encode("[    1.234567] random: crng init done, 17 of 20\r\nlogin:\t");
    const input = mutated(random, [letters, letters.subarray(0, 12), randomBytes(random, 40)]).filter(
      (byte) => byte !== 0,
    );
    const isDelimited = randomChance(random, 0.5);
    const isText =
      input.length > 0 && consoleText(input) !== "" && (!isDelimited || isMostlyPrintable(input));
    const said = c.callWith("run_is_text", input, isDelimited ? 1 : 0) === 1;
    return compared(Uint8Array.of(isDelimited ? 1 : 0, ...input), isText, isText, said);
  },
};

/** Packets with numbers by chance, at times by chance: which acks go out, and what they say. */
const acks: Kind = {
  name: "acks",
  weight: 3,
  run(random, c) {
    const timers = new TimerTable<LinkTimer>();
    const side = new ReceiveSide(timers);
    const log: number[] = [];
    const ts: unknown[] = [];
    const said: unknown[] = [];
    let us = 0;
    let number = randomChance(random, 0.2) ? randomBelow(random, 300) : 0;
    c.call("begin_acks");
    /** Acks that are due by now, each at its time. */
    const take = (): void => {
      for (let at = timers.at("ack"); at !== undefined && at * 1000 <= us; at = timers.at("ack")) {
        const ack = side.takeAck(at);
        if (ack === undefined) break;
        const units = Math.min(255, Math.round(ack.delayMs / ACK_DELAY_UNIT_MS));
        ts.push({ at: Math.round(at * 1000), highest: ack.highest, units, bitmap: ack.bitmap });
      }
    };
    const takeC = (from: number): void => {
      for (let at = from; at <= us; at += 1000) {
        if (c.call("take_ack", at) === 0) continue;
        const answer = c.answer();
        said.push({ at, highest: answer.number(), units: answer.number(), bitmap: answer.bytes(14) });
      }
    };
    for (let left = 3 + randomBelow(random, 24); left > 0; left--) {
      const from = us;
      us += 1000 * pick(random, [0, 0, 1, 1, 3, 8, 20, 300]);
      take();
      takeC(from);
      const kind = randomBelow(random, 12);
      const back = kind === 0 ? randomBelow(random, 130) : kind === 1 ? 1 + randomBelow(random, 6) : 0;
      const ahead = kind === 2 ? randomBelow(random, 4) : kind === 3 ? randomBelow(random, 2100) : 0;
      number = Math.max(0, number + ahead);
      const low = Math.max(0, number - back) & 0xfff;
      const isProbe = randomChance(random, 0.1);
      const isComplete = !isProbe && randomChance(random, 0.1);
      if (back === 0) number++;
      log.push(us / 1000, low, isProbe ? 1 : isComplete ? 2 : 0);
      const packet = { packetNumber: low, payload: new Uint8Array(1) };
      const probe = { tag: "probe", packetNumber: low } as const;
      const data = { tag: "data", codec: 0, attempt: 0, position: 0, ...packet } as const;
      const { isNew } = side.receive(us / 1000, isProbe ? probe : data);
      if (isProbe || (isNew && isComplete)) side.ackNow(us / 1000);
      const isNewC = c.call("take_packet", low, us, isProbe ? 1 : 0) === 1;
      if (isNewC && isComplete) c.call("hurry_ack", us);
      ts.push(isNew);
      said.push(isNewC);
      take();
      takeC(us);
    }
    return compared(new Uint8Array(Uint16Array.from(log).buffer), true, ts, said);
  },
};

export const WIRE_KINDS: readonly Kind[] = [frame, cobs, text, acks];
