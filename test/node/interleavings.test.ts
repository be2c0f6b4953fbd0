import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { randomBelow, randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { HealedHook } from "../../src/cli/hooks/healed-hook.ts";
import type { HookEnvironment } from "../../src/cli/hooks/hook-process.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { imageOf } from "../attacks/duel.ts";
import { healOverLinks, linkTo, numberedBoard } from "../support/two-links.ts";

const SEEDS = 50;
const KINDS = ["gate", "door"];
/** The second board begins to call within this, so that its handshake and session fall into all parts of the first one's. */
const APART_MS = 2_500;

const images: ImageSource[] = KINDS.map((hardwareClass, i) =>
  imageOf(randomBytes(new SeededRandom(100 + i), 9_000 + 4_000 * i), { hardwareClass }),
);

/** What is said of each board, by its link. */
const TRUTH = images.map((image, i) => {
  const peer = `070707070707070${i}`;
  return { link: linkTo(i), peer, digest: toHex(image.digest) };
});

/** An event says nothing that belongs to the other board. */
function checkEvent(event: NodeEvent): void {
  const truth = TRUTH.find(({ link }) => "link" in event && event.link === link);
  expect(truth, `the link of ${JSON.stringify(event)}`).toBeDefined();
  if ("peer" in event && event.peer !== undefined) expect(event.peer).toBe(truth?.peer);
  // On the wire and before a session there is only the start of a digest.
  if ("digest" in event && event.digest !== undefined) expect(truth?.digest).toContain(event.digest);
}

/** Runs of `--on-healed`, as the variables that they get. */
function recordingHook(): { readonly hook: HealedHook; readonly runs: HookEnvironment[] } {
  const runs: HookEnvironment[] = [];
  const runner: ConstructorParameters<typeof HealedHook>[2]["runner"] = {
    run: async ({ environment }) => {
      runs.push(environment());
      return { tag: "ended", status: 0 };
    },
  };
  return { hook: new HealedHook("--on-healed", ["true"], { runner, warn: () => {} }), runs };
}

describe("one rescuer for two boards on two links", { timeout: 60_000 }, () => {
  it(`names the right board, link and image in all events, hooks and verdicts of ${SEEDS} interleavings`, async () => {
    let overlaps = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new SeededRandom(seed);
      const startsAt = KINDS.map(() => randomBelow(random, APART_MS));
      const { hook, runs } = recordingHook();
      const { boardVerdicts, verdict, events } = await healOverLinks({
        repository: fixedRepository(images),
        boards: KINDS.map((hardwareClass, index) => numberedBoard(index, hardwareClass)),
        startsAt,
        seed,
        onEvent: (event) => hook.handle(event),
      });
      await hook.finished();
      expect(
        boardVerdicts.map(({ reason }) => reason),
        `seed ${seed}`,
      ).toEqual(["healed", "healed"]);
      for (const event of events) checkEvent(event);
      const healed = events.filter((event) => event.event === "healed");
      expect(healed.map(({ link }) => link).sort(), `seed ${seed}`).toEqual([linkTo(0), linkTo(1)]);
      for (const { link, digest, blocks, bytesTx, seconds } of healed) {
        expect(digest).toBe(TRUTH.find((truth) => truth.link === link)?.digest);
        expect(blocks).toBe(images[link === linkTo(0) ? 0 : 1]?.manifest.leafCount);
        expect(bytesTx).toBeGreaterThan(0);
        expect(seconds).toBeGreaterThan(0);
      }
      expect(runs).toEqual(
        healed.map(({ link, peer, digest, version, blocks, bytesTx, seconds }) => ({
          MAYDAY_LINK: link,
          MAYDAY_PEER: peer,
          MAYDAY_DIGEST: digest,
          MAYDAY_VERSION: version,
          MAYDAY_PROVEN: "0",
          MAYDAY_BLOCKS: String(blocks),
          MAYDAY_BYTES: String(bytesTx),
          MAYDAY_SECONDS: seconds.toFixed(3),
        })),
      );
      const last = healed.at(-1);
      expect(verdict).toMatchObject({ peer: last?.peer, digest: last?.digest, healed: 2 });
      const kinds = events.map((event) => `${event.event} ${"link" in event ? event.link : ""}`);
      const [end] = healed;
      const other = end?.link === linkTo(0) ? linkTo(1) : linkTo(0);
      if (kinds.indexOf(`offer ${other}`) < kinds.indexOf(`healed ${end?.link}`)) overlaps++;
    }
    // Boards that are served one after the other show nothing.
    expect(overlaps).toBeGreaterThan(SEEDS / 4);
  });
});
