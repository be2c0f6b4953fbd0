import { describe, expect, it } from "vitest";
import { FailedError } from "../../src/base/errors.ts";
import type { Millis } from "../../src/base/units.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import type { Locators } from "../../src/node/locator.ts";
import { imageOf, Stage, type StageNode } from "./stage.ts";

const ORIGIN = "https://images.example.org";
const URL_OF_IMAGE = `${ORIGIN}/acme/gate.mdy`;
/** The wire is so slow that an image takes a quarter of a minute. */
const BAUD = 9_600;
const LIMIT_MS: Millis = 120_000;

/** A network on which this is all there is. */
function network(fetch: (url: URL) => Promise<ImageSource>, origins: readonly string[] = [ORIGIN]): Locators {
  return { origins, fetch };
}

/** The image as it was fetched; `change` makes something else of what is read. */
function located(image: ImageSource, change: Partial<ImageSource> = {}): ImageSource {
  const { envelope, manifest, digest, isSigned, tree } = image;
  return {
    ...{ envelope, manifest, digest, isSigned, tree },
    uniformByteOf: (node) => image.uniformByteOf(node),
    readBlockSync: (index) => image.readBlockSync(index),
    ...change,
  };
}

interface Heal {
  readonly stage: Stage;
  readonly a: StageNode;
  readonly b: StageNode;
  /** When B started the image. */
  readonly at: Millis;
}

/** A says where its image lies; B, which has this network, is healed. */
async function healed(
  locators: Locators | undefined,
  locator: string | undefined = URL_OF_IMAGE,
): Promise<Heal> {
  const stage = new Stage();
  const [ab, ba] = stage.wire("A", "B", BAUD);
  const repository = fixedRepository([IMAGE]);
  const a = stage.provider([ab], { repository, locatorOf: () => locator });
  const b = stage.node(stage.board(), [ba], { locators });
  await stage.until(() => b.started.length > 0, LIMIT_MS, a, b);
  expect(b.boots).toBe("1.0.0");
  await stage.pass(2_000);
  return { stage, a, b, at: stage.clock.now() - 2_000 };
}

const IMAGE = imageOf("1.0.0");
const detailsOf = ({ b }: Heal): string[] =>
  b.of("link").flatMap(({ state, detail }) => (state === "locator" && detail !== undefined ? [detail] : []));

describe("an answer that says where the image lies", () => {
  it("§23 F1.6: brings the board to fetch it itself, and the rescuer hears that it is healed", async () => {
    const over = await healed(undefined);
    const asked: string[] = [];
    const direct = await healed(
      network(async (url) => {
        asked.push(url.href);
        return located(IMAGE);
      }),
    );
    expect(asked).toEqual([URL_OF_IMAGE]);
    expect(over.at).toBeGreaterThan(15_000);
    expect(direct.at).toBeLessThan(over.at / 4);
    expect(direct.a.of("healed")).toHaveLength(1);
    expect(direct.a.of("lost")).toEqual([]);
  });

  it.each([
    ["is not allowed", network(() => expect.fail("not allowed"), ["https://other.example"])],
    ["cannot be reached", network(async () => Promise.reject(new FailedError("net-status", "404")))],
    ["never answers", network(() => new Promise(() => {}))],
    ["holds another image", network(async () => located(imageOf("2.0.0")))],
    [
      "holds the image with other bytes",
      network(async () => located(IMAGE, { readBlockSync: () => new Uint8Array(4096) })),
    ],
    [
      "cannot be read after all",
      network(async () =>
        located(IMAGE, {
          readBlockSync: () => {
            throw new FailedError("image-changed", "gone");
          },
        }),
      ),
    ],
  ] as const)("§23: is no loss where that place %s", async (_, locators) => {
    const over = await healed(undefined);
    const heal = await healed(locators);
    expect(detailsOf(heal)).not.toEqual([]);
    const isAllowed = locators.origins.includes(ORIGIN);
    expect(detailsOf(heal).some((detail) => detail.includes("fetches"))).toBe(isAllowed);
    // A request more, at most, and what was wrong once more.
    expect(heal.at).toBeLessThan(over.at + 5_000);
    expect(heal.b.of("lost")).toEqual([]);
  });

  it("§23: is asked for by nobody whose owner did not allow it, nor of a rescuer that knows no place", async () => {
    const [without, none] = [
      await healed(undefined),
      await healed(
        network(() => expect.fail("no place")),
        "",
      ),
    ];
    expect(
      [detailsOf(without), detailsOf(none)].flat().filter((detail) => detail.includes("fetches")),
    ).toEqual([]);
    const offers = without.stage.seen("A-B", "offer").map(({ message }) => message);
    expect(offers[0]).toMatchObject({ hasLocator: true });
  });
});
