import type { Millis } from "../../src/base/units.ts";
import type { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { decodeCobs } from "../../src/wire/cobs.ts";
import { AnnounceType, FrameClass } from "../../src/wire/constants.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import type { Announcement } from "../../src/wire/messages.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

/** `image`: hashes or bytes of an image. `control`: all other frames of a session. */
export type SightingKind = keyof typeof AnnounceType | "image" | "control";

/** A frame as somebody beside the wire sees it. */
export interface Sighting {
  readonly at: Millis;
  /** The endpoint of the end that sent it: "A-B" is A's. */
  readonly from: string;
  readonly kind: SightingKind;
  /** Only of frames that belong to no session. */
  readonly message?: Announcement | undefined;
}

/** This end of a wire, and a note of every frame that it sends. */
export function watchedEnd(
  end: Transport,
  clock: VirtualClock,
  note: (sighting: Sighting) => void,
): Transport {
  return wrappedTransport(end, {
    write: (bytes) => {
      for (const frame of framesIn(bytes))
        note({ at: clock.now(), from: end.facts.endpoint, ...kindOf(frame) });
      return end.write(bytes);
    },
  });
}

function framesIn(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let start = 0;
  for (let i = 0; i <= bytes.length; i++) {
    if (i < bytes.length && bytes[i] !== 0) continue;
    const frame = i > start ? decodeCobs(bytes.subarray(start, i)) : undefined;
    if (frame !== undefined && frame.length > 0) frames.push(frame);
    start = i + 1;
  }
  return frames;
}

function kindOf(frame: Uint8Array): Pick<Sighting, "kind" | "message"> {
  const frameClass = (frame[0] ?? 0) & 0x0f;
  if (frameClass >= FrameClass.data || frameClass === FrameClass.object) return { kind: "image" };
  if (frameClass !== FrameClass.announce) return { kind: "control" };
  const message = decodeFrame(frame, undefined);
  if (message.tag === "fault" || !isAnnouncement(message.tag)) throw new Error("a frame that is none");
  return { kind: message.tag, message: message as Announcement };
}

function isAnnouncement(tag: string): tag is keyof typeof AnnounceType {
  return tag in AnnounceType;
}
