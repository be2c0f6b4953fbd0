import { describe, expect, it } from "vitest";
import { FailedError } from "../../src/base/errors.ts";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { GrowingImage, ImageSource } from "../../src/image/image-source.ts";
import { manifestHardwareId, shortDigest } from "../../src/image/manifest.ts";
import { fixedRepository, type Repository } from "../../src/image/repository.ts";
import { type ImageOrigins, RescuerImages } from "../../src/node/rescuer-images.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { imageOf } from "../attacks/duel.ts";
import { distressOf } from "../attacks/ghost.ts";

const [older, newer] = [1, 2].map((major) =>
  imageOf(randomBytes(new SeededRandom(major), 4_000), { version: { major, minor: 0, patch: 0 } }),
) as [ImageSource, ImageSource];
const id = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);
const hardwareId = manifestHardwareId(newer.manifest);
const CALL: Beacon = { ...distressOf(id(1), id(2)), hardwareId, revision: newer.manifest.revisionMin };
/** A board that boots the oldest there is, and wants an update. */
const ASK: Beacon = { ...CALL, tag: "beacon", failure: undefined, wantsUpdate: true };

/** What a rescuer picks while it avoids these images, which failed to confirm on boards. */
async function picked(
  avoided: readonly ImageSource[],
  {
    beacon = CALL,
    refused = [],
    ...origins
  }: Partial<ImageOrigins> & {
    readonly beacon?: Beacon;
    readonly refused?: readonly Uint8Array[];
  } = {},
): Promise<string> {
  const images = new RescuerImages({
    ...{ repository: fixedRepository([older, newer]), allowUnsigned: true },
    ...{ avoided: () => avoided.map(({ digest }) => shortDigest(digest)), ...origins },
  });
  const outcome = await images.pick(0, beacon, refused, () => {});
  if (outcome.tag !== "image") return outcome.tag;
  return `version ${outcome.image.manifest.version.major}`;
}

describe("an image that failed to confirm on a board", () => {
  it("is not what a board gets that does not boot, while there is another one", async () => {
    expect(await picked([])).toBe("version 2");
    expect(await picked([newer])).toBe("version 1");
  });

  it("is what it gets when nothing else suits: not to boot is worse", async () => {
    expect(await picked([newer], { repository: fixedRepository([newer]) })).toBe("version 2");
    expect(await picked([older, newer])).toBe("version 2");
    expect(await picked([newer], { refused: [shortDigest(older.digest)] })).toBe("version 2");
  });

  it("is what a board that boots may ask for: whether it takes it is its own matter", async () => {
    expect(await picked([newer], { beacon: ASK })).toBe("version 2");
  });

  it("gives way to one that is still being received", async () => {
    const growing: GrowingImage = {
      ...{
        envelope: older.envelope,
        manifest: older.manifest,
        digest: older.digest,
        isSigned: older.isSigned,
      },
      ...{ readRun: () => undefined, readBlockSync: () => undefined, heldBelow: () => [] },
    };
    const relay = { repository: fixedRepository([newer]), relayed: () => growing };
    expect(await picked([], relay)).toBe("version 2");
    expect(await picked([newer], relay)).toBe("version 1");
  });

  it("is taken in place of one that cannot be opened", async () => {
    const repository: Repository = {
      ...fixedRepository([older, newer]),
      open: async (digest) => {
        if (digest === older.digest) throw new FailedError("image-corrupt", "fw.mdy: its data differs");
        return await fixedRepository([older, newer]).open(digest);
      },
    };
    expect(await picked([newer], { repository })).toBe("version 2");
  });
});
