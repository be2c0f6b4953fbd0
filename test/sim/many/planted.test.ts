import { describe, expect, it } from "vitest";
import * as campaign from "../../../src/sim/many/campaign.ts";
import { type Edit, plantedSource } from "../../support/planted-source.ts";

/** A defect, the first of the seeds of the campaign that are to find it, and what is said then. */
interface Planted {
  readonly what: string;
  readonly edits: readonly Edit[];
  readonly seed: number;
  readonly says: RegExp;
}

const PLANTED: readonly Planted[] = [
  {
    what: "a block that is not checked before it is programmed",
    edits: [
      {
        path: "flash/verified-block.ts",
        from: "if (!equalBytes(hash(copy), expected)) return undefined;",
        to: "",
      },
      {
        path: "flash/verified-block.ts",
        from: "return equalBytes(this.#hash(this.padded.subarray(0, this.size)), this.#expected);",
        to: "return this.size > 0 && this.#hash !== undefined && this.#expected !== undefined;",
      },
    ],
    seed: 0,
    says: /programs \d+ bytes at \d+ that are in no signed image/,
  },
  {
    what: "an image that is started without a look at its every block",
    edits: [
      {
        path: "board/boot.ts",
        from: 'if (!equalBytes(foldRun(leaves), manifest.root)) return "hash";',
        to: "",
      },
    ],
    seed: 1,
    says: /starts [0-9a-f]{64}, which is not whole in its flash/,
  },
  {
    what: "a session that ends by no silence: without a lease, and without giving way to another rescuer",
    edits: [
      {
        path: "session/lease.ts",
        from: "return this.#renewedAt + Math.max(LEASE_MIN_MS, lineTimes);",
        to: "return this.#renewedAt + 1e9 * Math.max(LEASE_MIN_MS, lineTimes);",
      },
      {
        path: "session/target/supersession.ts",
        from: "return session.silentSince + this.#silence;",
        to: "return session.silentSince + 1e9 * this.#silence;",
      },
    ],
    seed: 38,
    says: /not well after 600 s: boards \d+/,
  },
  {
    what: "a board that accepts offers of two images on two links",
    edits: [
      {
        path: "session/target/offer-answers.ts",
        from: "if (this.#elsewhere !== undefined && session === undefined && !this.#isWanted(now, offer)) {",
        to: "if (this.#elsewhere !== undefined && session !== undefined && !this.#isWanted(now, offer)) {",
      },
      {
        path: "node/serving-links.ts",
        from: "if (other === link || equalBytes(digest, serving.digest)) continue;",
        to: "if (other === link || equalBytes(digest, digest)) continue;",
      },
    ],
    seed: 36,
    says: /is served [0-9a-f]{16} over \d+-\d+ and [0-9a-f]{16} over \d+-\d+ at once/,
  },
  {
    what: "an image that is handed to a board of the same version",
    edits: [
      { path: "mesh/asking.ts", from: 'if (equalBytes(installedDigest, own.digest)) return "same";', to: "" },
      { path: "mesh/asking.ts", from: 'if (order === 0) return "conflict";', to: "" },
      {
        path: "mesh/asking.ts",
        from: 'return order > 0 ? "newer" : "older";',
        to: 'return order >= 0 ? "newer" : "older";',
      },
      {
        path: "image/repository.ts",
        from: "compareOrder(manifest, criteria.runs) <= 0",
        to: "compareOrder(manifest, criteria.runs) < 0",
      },
    ],
    seed: 5,
    says: /offers [0-9a-f]+ to board \d+, which boots that or a newer one/,
  },
  {
    what: "a healed board that never serves",
    edits: [
      {
        path: "node/board-life.ts",
        from: "return isFit ? this.#board.ownSource() : undefined;",
        to: 'return isFit && cause === "update" ? this.#board.ownSource() : undefined;',
      },
    ],
    seed: 0,
    says: /not well after 600 s: boards \d+/,
  },
  {
    what: "a board that takes an older image than it runs",
    edits: [
      {
        path: "mesh/asking.ts",
        from: 'return order > 0 ? "newer" : "older";',
        to: 'return order === 0 ? "older" : "newer";',
      },
      {
        path: "image/repository.ts",
        from: "compareOrder(manifest, criteria.runs) <= 0",
        to: "compareOrder(manifest, criteria.runs) === 0",
      },
      { path: "board/admission.ts", from: "if (order < 0) return", to: "if (Number.isNaN(order)) return" },
    ],
    seed: 13,
    says: /went back to [0-9a-f]{64}/,
  },
];

/** Chance decides whether a seed meets a defect: one of so many has to. */
const SEEDS_TRIED = 12;

describe("the checkers of many boards", () => {
  it.each(PLANTED)("find $what", { timeout: 300_000 }, async ({ edits, seed, says }) => {
    const source = plantedSource(edits);
    try {
      await import(/* @vite-ignore */ source.url("crypto/use-node-crypto.ts"));
      const module = await import(/* @vite-ignore */ source.url("sim/many/campaign.ts"));
      const told: string[] = [];
      for (let tried = seed; tried < seed + SEEDS_TRIED; tried++) {
        const { violations, replay } = await (module as typeof campaign).runSeed(tried);
        if (says.test(violations.join("\n"))) return;
        told.push(`${violations.join("; ")} (${replay})`);
      }
      expect.fail(`found by none of ${SEEDS_TRIED} seeds:\n${told.join("\n")}`);
    } finally {
      source.drop();
    }
  });

  it("find nothing in these seeds without a defect", { timeout: 300_000 }, async () => {
    for (const seed of new Set(PLANTED.map((planted) => planted.seed)))
      expect((await campaign.runSeed(seed)).violations, `seed ${seed}`).toEqual([]);
  });

  it("are not said to have found a defect that could not be put in", () => {
    const edit = { path: "session/lease.ts", from: "no such text", to: "" };
    expect(() => plantedSource([edit])).toThrow("has this 0 times");
  });
});
