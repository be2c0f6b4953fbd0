import { describe, expect, it } from "vitest";
import { type EnumKind, enumCaseId, FRAME_KINDS, parseEnumCase, SIDE_KINDS } from "../../lab/enum-case.ts";
import { countFrames, enumerate, runEnumCase } from "../../lab/enumeration.ts";
import type { FrameHook } from "../../lab/frame-tap.ts";
import { SupervisedRescue } from "../../lab/supervised-rescue.ts";

/** A session must have at least so many frames, both directions together, to be worth enumerating. */
const FRAMES_MIN = 60;
const KINDS: readonly EnumKind[] = [...FRAME_KINDS, ...SIDE_KINDS];

/** Runs every case of a kind; each failure is the line that replays it. */
function failures(kind: EnumKind, setup = "small"): { runs: number; failed: string[] } {
  const cases = enumerate(setup, [kind]);
  const failed = cases.flatMap((enumCase) => {
    const { failure } = runEnumCase(enumCase);
    return failure === undefined ? [] : [`npm run lab -- --case ${enumCaseId(enumCase)}  # ${failure}`];
  });
  return { runs: cases.length, failed };
}

describe("the frames of a session, in both directions", () => {
  it(`are at least ${FRAMES_MIN}`, () => {
    const { t2r, r2t } = countFrames("small");
    expect(t2r + r2t).toBeGreaterThanOrEqual(FRAMES_MIN);
    expect(Math.min(t2r, r2t)).toBeGreaterThan(10);
  });

  it.each(KINDS)(
    "can each meet this fault, and the board is healed: %s",
    (kind) => {
      const { runs, failed } = failures(kind);
      expect(runs).toBeGreaterThanOrEqual(FRAMES_MIN);
      expect(failed).toEqual([]);
    },
    60_000,
  );
});

describe("the frames of a session whose effects take 1, 50 and 500 ms, in both directions", () => {
  const kinds: readonly EnumKind[] = ["restart", "takeover", "stale", "delay"];
  const cases = ["heldfirst", "heldlast"].flatMap((setup) => kinds.map((kind) => [kind, setup] as const));

  it.each(cases)(
    "can each meet this fault, and the board is healed: %s, %s",
    (kind, setup) => {
      const { runs, failed } = failures(kind, setup);
      expect(runs).toBeGreaterThanOrEqual(FRAMES_MIN);
      expect(failed).toEqual([]);
    },
    60_000,
  );
});

describe("the verdict on a run", () => {
  const options = { seed: 1, size: 4096, blockSize: 1024, baud: 115_200 };
  const afterFrame20 = (act: () => void): (() => FrameHook) => {
    return () => (frame, pass) => (frame.total > 20 ? act() : pass(frame.bytes));
  };

  it("is a hang when the wire falls silent for ever", () => {
    const { failure } = new SupervisedRescue(
      options,
      afterFrame20(() => {}),
    ).run(60_000);
    expect(failure).toBe("hang: the board does not boot");
  });

  it("is an exception when something throws", () => {
    const thrown = afterFrame20(() => {
      throw new Error("by chance");
    });
    expect(new SupervisedRescue(options, thrown).run().failure).toContain("exception: Error: by chance");
  });

  it("is an ending without the image when flash holds something else", () => {
    const run = new SupervisedRescue(options);
    run.rescue.run(60_000, () => run.isOver);
    const [slot] = run.rescue.board.nor.map.slots;
    run.rescue.board.storage.write(slot?.offset ?? 0, Uint8Array.of(1, 2, 3));
    expect(run.run().failure).toBe("ended, but the board does not boot the image");
  });

  it("is no rest when frames are still sent after the end", () => {
    const run = new SupervisedRescue(options);
    run.rescue.run(60_000, () => run.isOver);
    const ask = (): void => {
      const { link } = run.rescue.rescuerEnd;
      link.foreign.muting.setOn(run.clock.now(), false);
      link.send({ tag: "query", nodeId: new Uint8Array(8), bootNonce: new Uint8Array(8) });
      run.rescue.pump();
      run.clock.after(100, ask);
    };
    ask();
    expect(run.run().failure).toMatch(/^no rest/);
  });
});

describe("the name of a case", () => {
  it("gives the same run again", () => {
    for (const enumCase of enumerate("small").filter((_, i) => i % 97 === 0)) {
      const again = parseEnumCase(enumCaseId(enumCase));
      expect(again).toEqual(enumCase);
      if (again !== undefined) expect(runEnumCase(again)).toEqual(runEnumCase(enumCase));
    }
  });

  it.each(["enum:drop:t2r:0", "enum:melt:t2r:3", "enum:drop:up:3", "drop:t2r:3"])("is not %s", (text) => {
    expect(parseEnumCase(text)).toBeUndefined();
  });
});
