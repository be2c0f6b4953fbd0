import { describe, expect, it } from "vitest";
import { RefusedImages } from "../../../src/session/rescuer/refused-images.ts";

const nonce = (n: number): Uint8Array => new Uint8Array(8).fill(n);

describe("images that a start of a target refused", () => {
  it("are remembered for a minute, by that start only", () => {
    const refused = new RefusedImages();
    refused.add(0, nonce(1), nonce(10));
    refused.add(5_000, nonce(1), nonce(11));
    refused.add(5_000, nonce(2), nonce(12));
    expect(refused.by(59_999, nonce(1))).toEqual([nonce(10), nonce(11)]);
    expect(refused.by(60_000, nonce(1))).toEqual([nonce(11)]);
    expect(refused.by(65_000, nonce(2))).toEqual([]);
  });

  it("are the latest 64, and copies", () => {
    const refused = new RefusedImages();
    const digest = nonce(10);
    for (let i = 0; i < 65; i++) {
      digest[0] = i;
      refused.add(0, nonce(1), digest);
    }
    const known = refused.by(1, nonce(1));
    expect(known).toHaveLength(64);
    expect(known[0]?.[0]).toBe(1);
  });
});
