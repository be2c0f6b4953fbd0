import { isDeepStrictEqual } from "node:util";
import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { SILENCE_MS } from "../../src/base/line-silence.ts";
import { type Random, randomBelow, SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { Link } from "../../src/link/link.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { StreamSplitter } from "../../src/transport/stream-splitter.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { CRC_LENGTH } from "../../src/wire/constants.ts";
import { frameCrc } from "../../src/wire/crc.ts";
import { decodeFrame, encodeMessage, encodePacket, isSessionFrame } from "../../src/wire/frame.ts";
import { RUN_MAX } from "../../src/wire/line-code.ts";
import {
  decodeAnnouncement,
  decodeRescuerControl,
  decodeTargetControl,
} from "../../src/wire/message-codec.ts";
import type { Frame } from "../../src/wire/messages.ts";
import { PureSplitter } from "../../src/wire/run-splitter.ts";
import { extensionsAreAcceptable } from "../../src/wire/tlv.ts";
import { withCrc } from "../../test/support/with-crc.ts";
import { must, type ParserTarget } from "./fuzz-target.ts";
import { FRAME_TAGS, type FrameContext, randomFrame } from "./random-frame.ts";

const TAG = 0x1234_5678;
const NOBODY: FrameContext = { ids: [], nonces: [], digests: [] };
/** Well below RUN_MAX, so that short inputs reach it. */
const SHORT_RUN = 24;

/** Two frames of each kind. */
function frameSeeds(): Uint8Array[] {
  const random = new SeededRandom(1);
  return [...FRAME_TAGS, ...FRAME_TAGS].map((tag) => encodeFrame(randomFrame(random, tag, NOBODY), TAG));
}

export function encodeFrame(frame: Frame, tag: number): Uint8Array {
  if (frame.tag === "data" || frame.tag === "object" || frame.tag === "probe")
    return encodePacket(frame, tag);
  return encodeMessage(frame, tag);
}

/** The same bytes with the CRC that they need. */
export function reseal(frame: Uint8Array, tag: number): Uint8Array {
  const covered = frame.subarray(0, Math.max(1, frame.length - CRC_LENGTH));
  return withCrc(covered, isSessionFrame(covered) ? tag : undefined);
}

/** A frame as it goes over the wire, with its delimiter; a bent one has one byte changed, and the CRC made right again. */
export function frameOnWire(random: Random, frame: Frame, tag: number, isBent: boolean): Uint8Array {
  const bytes = encodeFrame(frame, tag);
  if (isBent) bytes[randomBelow(random, bytes.length)] = random.u32() & 0xff;
  return encodeDelimited(isBent ? reseal(bytes, tag) : bytes).subarray(1);
}

const cobs: ParserTarget = {
  tag: "parser",
  name: "cobs",
  weight: 4,
  seeds: () => frameSeeds().map((frame) => encodeDelimited(frame).slice(1, -1)),
  run(input) {
    const encoded = encodeDelimited(input);
    must(encoded.indexOf(0, 1) === encoded.length - 1, "COBS leaves no zero but the delimiters");
    const back = decodeCobs(encoded.subarray(1, -1));
    must(back !== undefined && equalBytes(back, input), "what was encoded is decoded");
    const decoded = decodeCobs(input);
    if (decoded === undefined) return "no COBS";
    must(decoded.length <= input.length, "decoding never grows");
    return `COBS of ${Math.min(3, Math.floor(decoded.length / 254))} stretches`;
  },
};

const frame: ParserTarget = {
  tag: "parser",
  name: "frame",
  weight: 8,
  seeds: frameSeeds,
  repair: (_, input) => reseal(input, TAG),
  run(input) {
    const decoded = decodeFrame(input, TAG);
    if (decoded.tag === "fault") return `${decoded.fault} ${(input[0] ?? 0) & 0xf}`;
    const again = decodeFrame(encodeFrame(decoded, TAG), TAG);
    must(isDeepStrictEqual(again, decoded), `${decoded.tag} is the same after another round`);
    return decoded.tag;
  },
};

const messages: ParserTarget = {
  tag: "parser",
  name: "messages",
  weight: 4,
  seeds: () => frameSeeds().map((bytes) => bytes.slice(0, -CRC_LENGTH)),
  run(input) {
    const type = (input[0] ?? 0) >>> 4;
    const body = input.subarray(1);
    const decoded = [
      decodeAnnouncement(input[1] ?? 0, input.subarray(2)),
      decodeTargetControl(type, body),
      decodeRescuerControl(type, body),
    ];
    return decoded.map((message) => (message === "unknown" ? message : (message?.tag ?? "none"))).join(" ");
  },
};

const tlv: ParserTarget = {
  tag: "parser",
  name: "tlv",
  weight: 2,
  seeds: () => [Uint8Array.of(), Uint8Array.of(1, 0), Uint8Array.of(0x7f, 2, 1, 2), Uint8Array.of(0x80, 0)],
  run(input) {
    const isFine = extensionsAreAcceptable(input);
    must(
      extensionsAreAcceptable(concatBytes(input, Uint8Array.of(1, 0))) || !isFine,
      "one more does no harm",
    );
    must(
      !isFine || !extensionsAreAcceptable(concatBytes(input, Uint8Array.of(0x81, 0))),
      "a critical one is refused",
    );
    return `${isFine}`;
  },
};

/** Pushes the input in pieces, with silences in between; the same ones for the same input. */
function pieces(input: Uint8Array, push: (bytes: Uint8Array, afterMs: number) => void): void {
  const random: Random = new SeededRandom(frameCrc(input));
  for (let at = 0; at < input.length; ) {
    const length = 1 + randomBelow(random, 12);
    const afterMs =
      randomBelow(random, 8) === 0 ? SILENCE_MS + randomBelow(random, 3) - 1 : randomBelow(random, 4);
    push(input.subarray(at, at + length), afterMs);
    at += length;
  }
}

const splitter: ParserTarget = {
  tag: "parser",
  name: "splitter",
  weight: 2,
  seeds: () => frameSeeds().map((bytes) => encodeDelimited(bytes)),
  run(input) {
    const clock = new VirtualClock();
    const pureRuns: Uint8Array[] = [];
    const streamRuns: Uint8Array[] = [];
    const options = { maxRun: SHORT_RUN };
    const pure = new PureRunSplitter((run) => pureRuns.push(run.slice()), clock, options);
    const stream = new StreamSplitter((run) => streamRuns.push(run.slice()), { ...options, clock });
    pieces(input, (bytes, afterMs) => {
      clock.advanceTo(clock.now() + afterMs);
      pure.push(bytes);
      stream.push(bytes);
      must(pure.heldBytes < SHORT_RUN && stream.heldBytes < SHORT_RUN, "no more is held than a run");
    });
    pure.close();
    stream.close();
    must(isDeepStrictEqual(pureRuns, streamRuns), "both splitters give the same runs");
    must(equalBytes(concatBytes(...pureRuns), input), "all runs joined are the input");
    must(
      pureRuns.every((run) => run.length <= SHORT_RUN),
      "no run is too long",
    );
    return `runs of ${[...new Set(pureRuns.map((run) => Math.floor(run.length / 8)))].sort().join()}`;
  },
};

const link: ParserTarget = {
  tag: "parser",
  name: "link",
  weight: 4,
  seeds: () => [
    ...frameSeeds().map((bytes) => encodeDelimited(bytes).slice(1)),
    new TextEncoder().encode("[    1.234567] random: crng init done\r\n"),
  ],
  run(input) {
    const seen: string[] = [];
    for (const role of ["none", "target", "rescuer"] as const) {
      const end = new Link({ baud: 115_200, rtoFloorMs: 10 });
      if (role === "target") end.startReceiving(0, TAG);
      if (role === "rescuer") end.startSending(0, TAG, 2048);
      // Twice: the second time as a repetition. A zero ends a run, as the splitters see to.
      const cut = new PureSplitter((run) => end.handleRun(1, run), { maxRun: RUN_MAX });
      for (let i = 0; i < 2; i++) cut.push(1, input);
      cut.close();
      const { bytesDiscarded, bytesReceived } = end.counters;
      must(bytesReceived === 2 * input.length && bytesDiscarded <= bytesReceived, "bytes are counted once");
      for (let event = end.pollEvent(); event; event = end.pollEvent()) seen.push(event.tag);
      must(seen.length <= 6 * (input.length + 1), "one run gives two events at most");
      for (let sent = 0; end.pollTransmit(1) !== undefined; sent++)
        must(sent < 4, "a run is answered shortly");
    }
    return [...new Set(seen)].sort().join(" ");
  },
};

export const WIRE_PARSERS: readonly ParserTarget[] = [cobs, frame, messages, tlv, splitter, link];
