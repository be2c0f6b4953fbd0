import { describe, expect, it } from "vitest";
import type { ImageSource } from "../../src/image/image-source.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { imageOf, STAGE_BLOCKS, Stage, type StageNode } from "./stage.ts";

/** A board A, which sends images right behind its offers, and B, which calls, or runs an older one. */
function eagerPair(provided: ImageSource, installed?: ImageSource): [Stage, StageNode, StageNode] {
  const stage = new Stage();
  const [ab, ba] = stage.wire("A", "B");
  const a = stage.node(stage.board({ image: provided }), [ab], { isEager: true });
  const b = stage.node(stage.board(installed === undefined ? {} : { image: installed }), [ba]);
  return [stage, a, b];
}

/** B took the image of A's one answer: it came with the offer, and nothing of it waited for B's accept or a request. */
function expectInline(stage: Stage, b: StageNode, version: string): void {
  const [offer] = stage.seen("A-B", "offer");
  const [accept] = stage.seen("B-A", "accept");
  const [image] = stage.seen("A-B", "image");
  expect(image?.at).toBeGreaterThanOrEqual(offer?.at ?? Number.NaN);
  expect(image?.at).toBeLessThan(accept?.at ?? Number.NaN);
  expect(b.of("healed").map(({ blocks }) => blocks)).toEqual([STAGE_BLOCKS]);
  expect(b.boots).toBe(version);
}

describe("an answer that contains the image", () => {
  it("C5 C12 C13 F1.5: heals a board that does not boot, without a request for it", async () => {
    const [stage, a, b] = eagerPair(imageOf("1.0.0"));
    await stage.until(() => b.started.length > 0, 30_000, a, b);
    expectInline(stage, b, "1.0.0");
  });

  it("C9 C17 F1.5: brings a board that runs an older version the newer one", async () => {
    const [stage, a, b] = eagerPair(imageOf("1.1.0"), imageOf("1.0.0"));
    await stage.until(() => b.started.includes("1.1.0"), 60_000, a, b);
    expectInline(stage, b, "1.1.0");
  });

  it("C13 C20: comes from a provider without a board as well", async () => {
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B");
    stage.provider([ab], { isEager: true, repository: fixedRepository([imageOf("1.0.0")]) });
    const b = stage.node(stage.board(), [ba]);
    await stage.until(() => b.started.length > 0, 30_000, b);
    expectInline(stage, b, "1.0.0");
  });

  it("C5 C13: is none for a board of other hardware", async () => {
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B");
    const other = imageOf("1.0.0", { hardwareClass: "other" });
    stage.provider([ab], { isEager: true, repository: fixedRepository([other]) });
    const b = stage.node(stage.board(), [ba]);
    await stage.pass(60_000);
    expect(stage.seen("A-B", "none").length).toBeGreaterThan(0);
    expect(stage.seen("A-B", "offer", "image")).toEqual([]);
    expect(b.boots).toBe("empty");
  });
});
