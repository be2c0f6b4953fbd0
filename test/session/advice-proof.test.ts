import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { isAdviceProven, proveAdvice } from "../../src/session/advice-proof.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import { linkProofOf } from "../../src/wire/link-proof.ts";
import type { ImageWord } from "../../src/wire/messages.ts";
import { vectorBytes, vectorFile } from "../support/vector-file.ts";

type RawAdvice = Omit<ImageWord, "originId" | "digest"> & {
  readonly originId: string;
  readonly digest: string;
};
interface RawEnd {
  readonly nodeId: string;
  readonly bootNonce: string;
}
interface AdviceVectors {
  readonly frames: readonly {
    readonly name: string;
    readonly frame: RawAdvice;
    readonly frameHex: string;
    readonly wireHex: string;
  }[];
  readonly proofs: {
    readonly linkKey: string;
    readonly from: RawEnd;
    readonly to: RawEnd;
    readonly frames: readonly { readonly frame: RawAdvice; readonly frameHex: string }[];
  };
}

const { frames, proofs } = vectorFile<AdviceVectors>("advice-v1.json");
const key = linkKeyOf(vectorBytes(proofs.linkKey));
const from = endOf(proofs.from);
const to = endOf(proofs.to);

function endOf({ nodeId, bootNonce }: RawEnd): { nodeId: Uint8Array; bootNonce: Uint8Array } {
  return { nodeId: vectorBytes(nodeId), bootNonce: vectorBytes(bootNonce) };
}

function adviceOf(raw: RawAdvice): ImageWord {
  return { ...raw, originId: vectorBytes(raw.originId), digest: vectorBytes(raw.digest) } as ImageWord;
}

describe("words about images", () => {
  it.each(frames)("are written and read as PROTOCOL.md says: $name", ({ frame, frameHex, wireHex }) => {
    const advice = adviceOf(frame);
    const bytes = encodeMessage(advice, 1);
    expect(toHex(bytes)).toBe(frameHex.replaceAll(" ", ""));
    expect(toHex(encodeDelimited(bytes))).toBe(wireHex);
    expect(decodeFrame(bytes, undefined)).toEqual(advice);
  });

  it.each(proofs.frames)("have the proof that PROTOCOL.md says: $frame.tag", ({ frame, frameHex }) => {
    const advice = adviceOf(frame);
    const bytes = encodeMessage(advice, 1, proveAdvice(key, from, to, advice.digest));
    expect(toHex(bytes)).toBe(frameHex.replaceAll(" ", ""));
    const proof = linkProofOf(advice, bytes);
    if (proof === undefined) throw new Error("no proof");
    expect(isAdviceProven(key, from, to, advice.digest, proof)).toBe(true);
    // In the other direction, in another start, about another image, and changed, it proves nothing.
    expect(isAdviceProven(key, to, from, advice.digest, proof)).toBe(false);
    expect(isAdviceProven(key, { ...from, bootNonce: to.bootNonce }, to, advice.digest, proof)).toBe(false);
    expect(isAdviceProven(key, from, to, advice.originId, proof)).toBe(false);
    const changed = bytes.slice();
    changed[2] = (changed[2] ?? 0) ^ 1;
    const other = linkProofOf(advice, changed);
    expect(other && isAdviceProven(key, from, to, advice.digest, other)).toBe(false);
  });
});
