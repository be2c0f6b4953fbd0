import { describe, expect, it } from "vitest";
import { hardwareId } from "../../src/image/hardware.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { type ImageFields, shortDigest } from "../../src/image/manifest.ts";
import { chooseImage, fixedRepository, type PickCriteria } from "../../src/image/repository.ts";
import { codeOf, plainFields, vectorData, vectorKey } from "./support.ts";

function image(minor: number, more: Partial<ImageFields> = {}, size = 3000): ImageSource {
  return memoryImage(
    vectorData(size),
    { ...plainFields, version: { major: 1, minor, patch: 0 }, ...more },
    vectorKey,
  );
}

const board: PickCriteria = {
  hardwareId: hardwareId("acme", "pump-7"),
  revision: 2,
  counterFloor: 0,
  allowUnsigned: false,
};

describe("choosing an image", () => {
  const old = image(1);
  const recent = image(2);

  function chosen(images: readonly ImageSource[], criteria: Partial<PickCriteria> = {}): unknown {
    const choice = chooseImage(images, { ...board, ...criteria });
    return choice.tag === "chosen" ? choice.entry : choice.refusals.map(({ reason }) => reason);
  }

  it("prefers the one being received, then the installed one, then the newest", () => {
    const installedDigest8 = shortDigest(old.digest);
    expect(chosen([old, recent])).toBe(recent);
    expect(chosen([old, recent], { installedDigest8 })).toBe(old);
    const receivingDigest8 = shortDigest(recent.digest);
    expect(chosen([old, recent], { installedDigest8, receivingDigest8 })).toBe(recent);
    expect(chosen([old, recent], { receivingDigest8: new Uint8Array(8) })).toBe(recent);
  });

  it("says why it chose the image", () => {
    const because = (criteria: Partial<PickCriteria>): unknown =>
      chooseImage([old, recent], { ...board, ...criteria });
    expect(because({})).toMatchObject({ tag: "chosen", because: "newest" });
    const digest8 = shortDigest(old.digest);
    expect(because({ installedDigest8: digest8 })).toMatchObject({ because: "installed" });
    expect(because({ receivingDigest8: digest8 })).toMatchObject({ because: "receiving" });
  });

  it("leaves out a refused image, even if it is installed", () => {
    const installedDigest8 = shortDigest(recent.digest);
    expect(chosen([old, recent], { installedDigest8, refused: [installedDigest8] })).toBe(old);
    expect(chosen([recent], { installedDigest8, refused: [installedDigest8] })).toEqual(["quarantined"]);
  });

  it("orders by sequence before version, and images of equal order by digest", () => {
    const resequenced = image(0, { sequence: 2 ** 40 });
    expect(chosen([recent, resequenced, old])).toBe(resequenced);
    const twin = image(2, {}, 3001);
    const winner = Buffer.compare(twin.digest, recent.digest) > 0 ? twin : recent;
    expect(chosen([recent, twin])).toBe(winner);
    expect(chosen([twin, recent])).toBe(winner);
  });

  it("says why no image fits", () => {
    const unsigned = memoryImage(vectorData(10), plainFields);
    expect(chosen([])).toEqual([]);
    expect(chosen([image(1, { hardwareClass: "pump-8" })])).toEqual(["hardware"]);
    expect(chosen([image(1, { revisionMin: 3 })])).toEqual(["hardware"]);
    expect(chosen([image(1, { revisionMax: 1 })])).toEqual(["hardware"]);
    expect(chosen([image(1, { role: "recovery" })])).toEqual(["role"]);
    expect(chosen([unsigned])).toEqual(["unsigned"]);
    expect(chosen([unsigned], { allowUnsigned: true })).toBe(unsigned);
    expect(chosen([image(1, { counter: 4 })], { counterFloor: 5 })).toEqual(["counter"]);
    expect(chosen([old], { sizeMax: 2999 })).toEqual(["size"]);
    expect(chosen([old], { sizeMax: 3000, blockSizeMax: 2048 })).toEqual(["block-size"]);
    expect(chosen([old], { sizeMax: 3000, blockSizeMax: 4096 })).toBe(old);
    const refused = [new Uint8Array(8), shortDigest(old.digest)];
    expect(chosen([old], { refused })).toEqual(["quarantined"]);
    expect(chooseImage([], board)).toMatchObject({ tag: "none", refusals: [] });
    const choice = chooseImage([unsigned, image(1, { hardwareClass: "x" })], board);
    expect(choice).toMatchObject({
      detail: "none of 2 images suits this board: 1 unsigned, 1 for other hardware or another revision",
    });
  });

  it("gives a board that boots only what is newer, by sequence and version, and first what it is receiving", () => {
    const installedDigest8 = shortDigest(old.digest);
    const newest = image(3);
    const runs = old.manifest;
    expect(chosen([old, recent], { installedDigest8, runs })).toBe(recent);
    expect(chosen([old], { installedDigest8, runs })).toEqual(["version"]);
    expect(chosen([image(1, {}, 3001)], { runs })).toEqual(["version"]);
    expect(chosen([image(0, { sequence: 2 ** 40 })], { runs })).toMatchObject({
      manifest: { sequence: 2 ** 40 },
    });
    const receivingDigest8 = shortDigest(recent.digest);
    expect(chosen([recent, newest], { receivingDigest8, runs })).toBe(recent);
    expect(chosen([recent, newest], { receivingDigest8, runs: recent.manifest })).toBe(newest);
  });

  it("names the commonest reason among the images for this hardware, if there are any", () => {
    const foreign = image(1, { hardwareClass: "x" });
    const reasonOf = (images: readonly ImageSource[], runs?: PickCriteria["runs"]): unknown =>
      chooseImage(images, { ...board, counterFloor: 5, runs });
    expect(reasonOf([])).toMatchObject({ tag: "none", reason: undefined });
    expect(reasonOf([foreign, foreign])).toMatchObject({ reason: "hardware" });
    expect(reasonOf([foreign, foreign, old])).toMatchObject({ reason: "counter" });
    expect(reasonOf([old, old, image(9, { counter: 4 })], old.manifest)).toMatchObject({ reason: "version" });
  });

  it("accepts both ends of the revision range and a counter at the floor", () => {
    const exact = image(1, { revisionMin: 2, revisionMax: 2, counter: 5 });
    expect(chosen([exact], { counterFloor: 5 })).toBe(exact);
  });
});

describe("fixed repository", () => {
  it("opens what it picks and nothing else", async () => {
    const only = image(1);
    const repository = fixedRepository([only]);
    expect(await repository.pick(board)).toMatchObject({ tag: "chosen", because: "newest" });
    expect(await repository.open(only.digest)).toBe(only);
    expect(await codeOf(() => repository.open(new Uint8Array(32)))).toBe("repo-no-such-image");
    await repository.release(only);
    await repository.close();
  });
});
