import { concatBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import { MENDABLE_MAX } from "../../src/wire/constants.ts";
import { CODED_FRAME_MAX, encodeCodedFrame } from "../../src/wire/fec/coded-frame.ts";
import { FrameHunter } from "../../src/wire/fec/frame-hunter.ts";
import { crcMatches, isSessionFrame } from "../../src/wire/frame.ts";
import { withCrc } from "../../test/support/with-crc.ts";
import type { Answer } from "./c-side.ts";
import { compared, type Kind } from "./kind.ts";

/** What a hunter gives: a frame with the number of its wrong bytes, or all bytes up to the next one. */
type Found = { readonly frame: Uint8Array; readonly wrong: number } | { readonly other: Uint8Array };

function foundByTypeScript(stream: Uint8Array, tag: number): Found[] {
  const found: Found[] = [];
  let others: Uint8Array[] = [];
  const note = (): void => {
    const other = concatBytes(...others);
    others = [];
    if (other.length > 0) found.push({ other });
  };
  const hunter = new FrameHunter({
    onOther: (bytes) => others.push(bytes.slice()),
    onFrame: ({ bytes, mendedBytes }) => {
      if (!crcMatches(bytes, isSessionFrame(bytes) ? tag : undefined)) return false;
      note();
      found.push({ frame: bytes.slice(), wrong: mendedBytes });
      return true;
    },
  });
  hunter.push(0, stream);
  hunter.close();
  note();
  return found;
}

function foundByC(answer: Answer): Found[] {
  const found: Found[] = [];
  while (!answer.isEmpty) {
    const isFrame = answer.number() === 1;
    const wrong = isFrame ? answer.number() : 0;
    const bytes = answer.bytes(answer.number());
    found.push(isFrame ? { frame: bytes, wrong } : { other: bytes });
  }
  return found;
}

/** Changes some bytes, and now and then leaves one out. */
function damaged(random: Random, bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  for (let left = randomBelow(random, 24); left > 0 && out.length > 0; left--) {
    const at = randomBelow(random, out.length);
    out[at] = (out[at] ?? 0) ^ (1 << randomBelow(random, 8));
  }
  if (!randomChance(random, 0.1)) return out;
  const gap = randomBelow(random, out.length);
  return concatBytes(out.subarray(0, gap), out.subarray(gap + 1));
}

/** Frames of the second form with wrong bytes, between noise: how they are made, and what is found. */
export const SECOND_FORM_KIND: Kind = {
  name: "second-form",
  weight: 3,
  run(random, c) {
    const tag = random.u32() || 1;
    const parts: Uint8Array[] = [];
    for (let left = 1 + randomBelow(random, 3); left > 0; left--) {
      const length = 1 + randomBelow(random, randomChance(random, 0.1) ? CODED_FRAME_MAX - 4 : 120);
      const body = randomBytes(random, length);
      const frame = withCrc(body, isSessionFrame(body) ? tag : undefined);
      const mendable = 1 + randomBelow(random, MENDABLE_MAX);
      const coded = encodeCodedFrame(frame, mendable);
      c.callWith("encode_coded", frame, mendable);
      const made = compared(frame, false, coded, c.answer().rest());
      if (made.difference !== undefined) return made;
      parts.push(randomBytes(random, randomBelow(random, 12)), damaged(random, coded));
    }
    const stream = concatBytes(...parts).subarray(0, 6000);
    const found = foundByTypeScript(stream, tag);
    c.callWith("hunt", stream, tag);
    const isAccepted = found.some((one) => "frame" in one);
    return compared(stream, isAccepted, found, foundByC(c.answer()));
  },
};
