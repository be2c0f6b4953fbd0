import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { FailedError } from "../../src/base/errors.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { fixedRepository, type Repository } from "../../src/image/repository.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { UNREADABLE_FOR_MS, UnreadableImages } from "../../src/node/unreadable-images.ts";
import { imageOf } from "../attacks/duel.ts";
import { healOverLinks, linkTo, numberedBoard } from "../support/two-links.ts";

const HARDWARE = "gate";
const [older, newer] = [1, 2].map((major) =>
  imageOf(randomBytes(new SeededRandom(major), 16_000), { version: { major, minor: 0, patch: 0 } }),
) as [ImageSource, ImageSource];
const HEALED = ["healed", "healed"];

/** The image until `isBad()`; from then on no block of it can be read. */
function failing(image: ImageSource, isBad: () => boolean): ImageSource {
  return {
    ...image,
    readBlockSync: (index) => {
      if (isBad()) throw new FailedError("image-changed", `fw.mdy: block ${index} changed`);
      return image.readBlockSync(index);
    },
  };
}

async function healTwo(repository: Repository, onEvent: (event: NodeEvent) => void = () => {}) {
  const boards = [0, 1].map((index) => numberedBoard(index, HARDWARE));
  const run = await healOverLinks({ repository, boards, onEvent });
  const unreadable = run.events.filter(
    (event) => event.event === "link" && event.state === "image-unreadable",
  );
  return { ...run, unreadable, reasons: run.boardVerdicts.map(({ reason }) => reason) };
}

describe("an image that cannot be read in the middle of a session", () => {
  it("ends that session only: its board is told and healed with the next image, and the other link is served on", async () => {
    let reads = 0;
    const broken = failing(newer, () => ++reads >= 3);
    const door = imageOf(randomBytes(new SeededRandom(3), 16_000), { hardwareClass: "door" });
    const boards = [numberedBoard(0, HARDWARE), numberedBoard(1, "door")];
    const repository = fixedRepository([older, broken, door]);
    const { boardVerdicts, verdict, events, boardEvents } = await healOverLinks({ repository, boards });
    expect(boardVerdicts.map(({ reason }) => reason)).toEqual(HEALED);
    const of = (index: number): string[] =>
      events.filter((event) => "link" in event && event.link === linkTo(index)).map(({ event }) => event);
    expect(events).toContainEqual(expect.objectContaining({ event: "link", state: "image-unreadable" }));
    const why = "image-unreadable";
    expect(events).toContainEqual(expect.objectContaining({ event: "lost", link: linkTo(0), why }));
    // It was told: its lease did not run out.
    expect(boardEvents).toContainEqual(expect.objectContaining({ event: "lost", why: "bye" }));
    const digestOn = (index: number): unknown =>
      events.findLast((event) => event.event === "healed" && event.link === linkTo(index));
    expect(digestOn(0)).toMatchObject({ digest: toHex(older.digest) });
    expect(digestOn(1)).toMatchObject({ digest: toHex(door.digest) });
    expect(of(1)).not.toContain("lost");
    expect(verdict).toMatchObject({ reason: "interrupted", healed: 2 });
  });

  it("is offered again when it can be read again", async () => {
    let [isBad, reads] = [false, 0];
    const image = failing(newer, () => {
      reads++;
      isBad ||= reads === 3;
      return isBad;
    });
    const { reasons, events } = await healTwo(fixedRepository([image]), (event) => {
      if (event.event === "lost") isBad = false;
    });
    expect(reasons).toEqual(HEALED);
    expect(events).toContainEqual(expect.objectContaining({ event: "lost", why: "image-unreadable" }));
  });
});

/** A repository in which `newer` cannot be opened for the first `times`. */
function closed(images: readonly ImageSource[], times: number): Repository {
  const repository = fixedRepository(images);
  let count = 0;
  return {
    ...repository,
    open: async (digest) => {
      if (digest === newer.digest && ++count <= times)
        throw new FailedError("image-corrupt", "fw.mdy: its data differs");
      return await repository.open(digest);
    },
  };
}

describe("an image that cannot be opened", () => {
  it("is reported, and the next one is offered for the same call", async () => {
    const { reasons, events, unreadable } = await healTwo(closed([older, newer], 100));
    expect(reasons).toEqual(HEALED);
    expect(unreadable.length).toBeGreaterThanOrEqual(1);
    const offers = events.filter((event) => event.event === "offer");
    expect(new Set(offers.map(({ version }) => version))).toEqual(new Set(["1.0.0"]));
    const calls = events.filter((event) => event.event === "distress");
    expect(calls).toHaveLength(2);
  });

  it("is told to the board as no image, and tried again every five seconds when there is no other one", async () => {
    const { reasons, unreadable, boardEvents, boardVerdicts } = await healTwo(closed([newer], 3));
    expect(reasons).toEqual(HEALED);
    expect(unreadable).toHaveLength(3);
    expect(boardEvents).toContainEqual(expect.objectContaining({ event: "none", reason: "no-image" }));
    expect(toHex(newer.digest)).toContain(boardVerdicts[0]?.digest);
  });
});

describe("the images that could not be read lately", () => {
  it("are left out for five seconds, and at most 64 are remembered", () => {
    const images = new UnreadableImages();
    images.note(1000, new Uint8Array(32).fill(1));
    expect(images.at(1000 + UNREADABLE_FOR_MS - 1)).toEqual([new Uint8Array(8).fill(1)]);
    expect(images.at(1000 + UNREADABLE_FOR_MS)).toEqual([]);
    for (let i = 0; i < 100; i++) images.note(2000, new Uint8Array(32).fill(i));
    expect(images.at(2000)).toHaveLength(64);
    expect(images.at(2000)[0]).toEqual(new Uint8Array(8).fill(36));
  });
});
