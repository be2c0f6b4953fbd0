import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import { encodeCodedFrame, layoutFor, layoutOn, readLayout } from "../../../src/wire/fec/coded-frame.ts";
import { mend, writeParity } from "../../../src/wire/fec/reed-solomon.ts";
import { vectorBytes, vectorFile } from "../../support/vector-file.ts";
import { type Hunted, hunt } from "./hunted.ts";

interface Received {
  readonly hex: string;
  readonly wrong: number | null;
}

interface FecVectors {
  readonly tag: number;
  readonly names: readonly {
    readonly mendable: number;
    readonly contentLength: number;
    readonly nameHex: string;
  }[];
  readonly codewords: readonly {
    readonly mendable: number;
    readonly codewordHex: string;
    readonly received: readonly Received[];
  }[];
  readonly frames: readonly {
    readonly name: string;
    readonly frameHex: string;
    readonly mendable: number;
    readonly wireHex: string;
    readonly received: readonly Received[];
  }[];
  readonly streams: readonly {
    readonly name: string;
    readonly streamHex: string;
    readonly items: readonly Hunted[];
  }[];
}

const vectors = vectorFile<FecVectors>("fec-v1.json");

/** Neighbouring other bytes are one piece: where a stream is cut is not a part of what it means. */
function joined(items: readonly Hunted[]): Hunted[] {
  const out: Hunted[] = [];
  for (const item of items) {
    const last = out.at(-1);
    if ("otherHex" in item && last !== undefined && "otherHex" in last)
      out[out.length - 1] = { otherHex: last.otherHex + item.otherHex };
    else out.push(item);
  }
  return out;
}

describe("the second form, by its vectors (PROTOCOL.md 2.5)", () => {
  it.each(vectors.names)("reads the name $nameHex as t $mendable and $contentLength bytes", (vector) => {
    const { mendable, contentLength, nameHex } = vector;
    expect(readLayout(Number.parseInt(nameHex, 16))).toEqual({ mendable, contentLength });
    const wire = encodeCodedFrame(new Uint8Array(contentLength - 1), mendable);
    expect(toHex(wire.subarray(4, 7))).toBe(nameHex);
  });

  it.each(vectors.codewords)("computes and mends the codeword of t $mendable: $codewordHex", (vector) => {
    const { mendable, codewordHex, received } = vector;
    const clean = vectorBytes(codewordHex);
    const parity = new Uint8Array(2 * mendable);
    writeParity(clean.subarray(0, -2 * mendable), parity);
    expect(toHex(parity)).toBe(toHex(clean.subarray(-2 * mendable)));
    for (const { hex, wrong } of received) {
      const codeword = vectorBytes(hex);
      const mended = mend(codeword, 2 * mendable);
      if (wrong === null) expect(toHex(codeword)).not.toBe(toHex(clean));
      else expect([mended, toHex(codeword)]).toEqual([wrong, toHex(clean)]);
    }
  });

  it.each(vectors.frames)("writes and hears the frame: $name", (vector) => {
    const { frameHex, mendable, wireHex, received } = vector;
    const frame = vectorBytes(frameHex);
    const wire = encodeCodedFrame(frame, mendable);
    expect(toHex(wire)).toBe(toHex(vectorBytes(wireHex)));
    expect(layoutOn(wire.length, mendable)).toEqual(layoutFor(frame.length, mendable));
    for (const { hex, wrong } of received) {
      const heard = wrong === null ? [{ otherHex: hex }] : [{ frameHex, wrong }];
      expect(hunt(vectors.tag, vectorBytes(hex), [hex.length])).toEqual(heard);
    }
  });

  it.each(vectors.streams)("takes the frames out of a stream in any pieces: $name", (vector) => {
    const stream = vectorBytes(vector.streamHex);
    for (const lengths of [[stream.length], [1], [7], [3, 250, 1]])
      expect(hunt(vectors.tag, stream, lengths)).toEqual(joined(vector.items));
  });
});
