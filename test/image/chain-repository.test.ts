import { describe, expect, it } from "vitest";
import { FailedError } from "../../src/base/errors.ts";
import { chainRepository } from "../../src/image/chain-repository.ts";
import { hardwareId } from "../../src/image/hardware.ts";
import { type ImageSource, memoryImage } from "../../src/image/image-source.ts";
import { type ImageFields, shortDigest } from "../../src/image/manifest.ts";
import {
  chooseImage,
  fixedRepository,
  type PickCriteria,
  type Repository,
} from "../../src/image/repository.ts";
import { codeOf, plainFields, vectorData, vectorKey } from "./support.ts";

const versioned = (minor: number, more: Partial<ImageFields> = {}): ImageFields => ({
  ...plainFields,
  version: { major: 1, minor, patch: 0 },
  ...more,
});

function image(minor: number, more: Partial<ImageFields> = {}): ImageSource {
  return memoryImage(vectorData(3000), versioned(minor, more), vectorKey);
}

const board: PickCriteria = {
  hardwareId: hardwareId("acme", "pump-7"),
  revision: 2,
  counterFloor: 0,
  allowUnsigned: false,
};

const [v1, v2, v3] = [image(1), image(2), image(3)];
const foreign = image(9, { hardwareClass: "pump-8" });
const unsigned2 = memoryImage(vectorData(3000), versioned(2));

const digest8 = (source: ImageSource): Uint8Array => shortDigest(source.digest);
const chain = (own: ImageSource | undefined, folder?: readonly ImageSource[]): Repository =>
  chainRepository(() => own, folder && fixedRepository(folder));

/** A folder whose storage is gone; notes what it is asked. */
function broken(asked: string[] = []): Repository {
  const fail = (what: string) => async (): Promise<never> => {
    asked.push(what);
    throw new FailedError("repo-unreadable", "the folder cannot be read");
  };
  return { pick: fail("pick"), open: fail("open"), release: fail("release"), close: fail("close") };
}

const throwing = (): never => {
  throw new FailedError("slot-manifest", "the manifest cannot be read");
};

interface Case {
  readonly name: string;
  readonly own: ImageSource | undefined;
  readonly folder: readonly ImageSource[];
  readonly criteria?: Partial<PickCriteria>;
  readonly chosen: ImageSource;
  readonly because: string;
}

const CASES: readonly Case[] = [
  { name: "the own one, if the folder is empty", own: v1, folder: [], chosen: v1, because: "newest" },
  { name: "the folder's, without an own one", own: undefined, folder: [v1], chosen: v1, because: "newest" },
  { name: "the folder's if it is newer", own: v1, folder: [v2], chosen: v2, because: "newest" },
  { name: "the own one if it is newer", own: v3, folder: [v1, v2], chosen: v3, because: "newest" },
  {
    name: "the own one that is being received, though the folder has a newer one",
    own: v1,
    folder: [v2, v3],
    criteria: { receivingDigest8: digest8(v1), installedDigest8: digest8(v2) },
    chosen: v1,
    because: "receiving",
  },
  {
    name: "the folder's that is being received, though the own one is installed",
    own: v3,
    folder: [v1, v2],
    criteria: { receivingDigest8: digest8(v1), installedDigest8: digest8(v3) },
    chosen: v1,
    because: "receiving",
  },
  {
    name: "the installed one from the folder, though the own one is newer",
    own: v3,
    folder: [v1, v2],
    criteria: { installedDigest8: digest8(v2) },
    chosen: v2,
    because: "installed",
  },
  {
    name: "the own one that is installed",
    own: v1,
    folder: [v2],
    criteria: { installedDigest8: digest8(v1) },
    chosen: v1,
    because: "installed",
  },
  {
    name: "for a board that boots, only what is newer, from the folder",
    own: v2,
    folder: [v1, v3],
    criteria: { runs: v2.manifest, installedDigest8: digest8(v2) },
    chosen: v3,
    because: "newest",
  },
  {
    name: "for a board that boots, only what is newer, of its own",
    own: v3,
    folder: [v1, v2],
    criteria: { runs: v2.manifest },
    chosen: v3,
    because: "newest",
  },
  {
    name: "the folder's if the own one was refused",
    own: v3,
    folder: [v1],
    criteria: { refused: [digest8(v3)] },
    chosen: v1,
    because: "newest",
  },
  {
    name: "the own one if the folder's was refused",
    own: v1,
    folder: [v3],
    criteria: { refused: [digest8(v3)] },
    chosen: v1,
    because: "newest",
  },
  {
    name: "the folder's if the own one is for other hardware",
    own: foreign,
    folder: [v1],
    chosen: v1,
    because: "newest",
  },
  { name: "the own copy of the same image", own: v2, folder: [v1, image(2)], chosen: v2, because: "newest" },
  {
    name: "the own copy of the same image that is being received",
    own: v2,
    folder: [v3, image(2)],
    criteria: { receivingDigest8: digest8(v2) },
    chosen: v2,
    because: "receiving",
  },
  {
    name: "the signed copy of the same image, if the own one is not signed",
    own: unsigned2,
    folder: [v2],
    chosen: v2,
    because: "newest",
  },
  {
    name: "the signed copy of the same image, also if unsigned ones may be sent",
    own: unsigned2,
    folder: [v2],
    criteria: { allowUnsigned: true },
    chosen: v2,
    because: "newest",
  },
];

describe("the images of a board and of a folder, chosen together", () => {
  it.each(CASES)("give $name", async ({ own, folder, criteria, chosen, because }) => {
    const repository = chain(own, folder);
    const choice = await repository.pick({ ...board, ...criteria });
    expect(choice).toMatchObject({ tag: "chosen", because });
    expect(choice.tag === "chosen" && choice.entry).toBe(chosen);
    expect(await repository.open(chosen.digest)).toBe(chosen);
  });

  it("are chosen as though all lay in one folder", async () => {
    const all = [v1, v2, v3, foreign];
    for (const own of all) {
      for (const receiving of [undefined, ...all]) {
        for (const installed of [undefined, ...all]) {
          for (const runs of [undefined, v1, v2, v3]) {
            const criteria = {
              ...board,
              runs: runs?.manifest,
              receivingDigest8: receiving && digest8(receiving),
              installedDigest8: installed && digest8(installed),
            };
            const folder = all.filter((other) => other !== own);
            const { tag, ...rest } = await chain(own, folder).pick(criteria);
            const expected = chooseImage([own, ...folder], criteria);
            expect({ tag, ...rest }).toEqual(expected);
          }
        }
      }
    }
  });

  it("say together why none suits, and count an image once that both have", async () => {
    const choice = await chain(v2, [image(2), v1, foreign]).pick({ ...board, runs: v3.manifest });
    expect(choice).toMatchObject({
      tag: "none",
      reason: "version",
      detail: "none of 3 images suits this board: 2 not newer, 1 for other hardware or another revision",
    });
    const refused = await chain(v2).pick({ ...board, refused: [digest8(v2)] });
    expect(refused).toMatchObject({ tag: "none", reason: "quarantined" });
    expect(await chain(undefined).pick(board)).toMatchObject({ tag: "none", reason: undefined });
  });

  it("follow the own image as it changes", async () => {
    let own: ImageSource | undefined = v1;
    const repository = chainRepository(() => own, fixedRepository([v2]));
    own = v3;
    expect(await repository.pick(board)).toMatchObject({ entry: v3 });
    own = undefined;
    expect(await repository.pick(board)).toMatchObject({ entry: v2 });
    expect(await codeOf(() => repository.open(v3.digest))).toBe("repo-no-such-image");
  });
});

describe("a folder that cannot be read", () => {
  it("does not keep the own image back, and is reported", async () => {
    const reported: unknown[] = [];
    const repository = chainRepository(
      () => v1,
      broken(),
      (error) => reported.push(error),
    );
    expect(await repository.pick(board)).toMatchObject({ tag: "chosen", entry: v1, because: "newest" });
    expect(reported).toMatchObject([{ code: "repo-unreadable" }]);
    expect(await repository.open(v1.digest)).toBe(v1);
    const unsignedOnes = chainRepository(() => unsigned2, broken());
    expect(await unsignedOnes.open(unsigned2.digest)).toBe(unsigned2);
  });

  it("is the error when there comes from elsewhere, or none that suits", async () => {
    const reported: unknown[] = [];
    const report = (error: unknown): unknown => reported.push(error);
    const refused = { ...board, refused: [digest8(v1)] };
    for (const own of [undefined, v1]) {
      const repository = chainRepository(() => own, broken(), report);
      expect(await codeOf(() => repository.pick(refused))).toBe("repo-unreadable");
      expect(await codeOf(() => repository.open(v2.digest))).toBe("repo-unreadable");
    }
    expect(reported).toEqual([]);
  });
});

describe("an own image that cannot be read", () => {
  it("does not keep the folder's images back, and is reported", async () => {
    const reported: unknown[] = [];
    const repository = chainRepository(throwing, fixedRepository([v1]), (error) => reported.push(error));
    expect(await repository.pick(board)).toMatchObject({ tag: "chosen", entry: v1 });
    expect(reported).toMatchObject([{ code: "slot-manifest" }]);
    expect(await repository.open(v1.digest)).toBe(v1);
  });

  it("is the error when nothing else suits", async () => {
    for (const next of [undefined, fixedRepository([]), fixedRepository([foreign])]) {
      expect(await codeOf(() => chainRepository(throwing, next).pick(board))).toBe("slot-manifest");
    }
    expect(await codeOf(() => chainRepository(throwing).open(v1.digest))).toBe("slot-manifest");
  });
});

describe("opening and releasing", () => {
  it("go to the one that has the image, and the end closes the folder", async () => {
    const asked: string[] = [];
    const folder: Repository = {
      ...fixedRepository([v2]),
      release: async (source) => {
        asked.push(`release ${source.manifest.version.minor}`);
      },
      close: async () => {
        asked.push("close");
      },
    };
    const repository = chainRepository(() => v1, folder);
    await repository.release(await repository.open(v1.digest));
    expect(asked).toEqual([]);
    await repository.release(await repository.open(v2.digest));
    await repository.close();
    expect(asked).toEqual(["release 2", "close"]);
  });

  it("give back the folder's copy when that is not signed either", async () => {
    const other = memoryImage(vectorData(3000), versioned(2));
    const released: ImageSource[] = [];
    const folder: Repository = {
      ...fixedRepository([other]),
      release: async (source) => {
        released.push(source);
      },
    };
    const repository = chainRepository(() => unsigned2, folder);
    expect(await repository.open(other.digest)).toBe(unsigned2);
    expect(released).toEqual([other]);
  });

  it("fail for an image that nobody has", async () => {
    expect(await codeOf(() => chain(v1, [v2]).open(v3.digest))).toBe("repo-no-such-image");
    expect(await codeOf(() => chain(v1).open(v3.digest))).toBe("repo-no-such-image");
    const alone = chain(v1);
    await alone.release(v1);
    await alone.close();
  });
});
