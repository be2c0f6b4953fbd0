import { describe, expect, it } from "vitest";
import { FailedError } from "../../src/base/errors.ts";
import { type InstallReport, installFrom, installSteps } from "../../src/board/install.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { board, code, GEOMETRY, image, randomData, slotBytes } from "./support.ts";

/** Thirteen blocks, of which the last ones are 0xFF. */
const data = randomData(50_000).fill(0xff, 40_960);
const source = image(data);

/** All steps: what each gave, and the report. */
function steps(run: Generator<number, InstallReport, undefined>): { given: number[]; report: InstallReport } {
  const given: number[] = [];
  for (;;) {
    const step = run.next();
    if (step.done === true) return { given, report: step.value };
    given.push(step.value);
  }
}

describe("installing step by step", () => {
  it("does what installing at once does, with at most one block that is read a step", () => {
    const [made, other] = [board(), board()];
    let reads = 0;
    const counted: ImageSource = {
      ...source,
      tree: source.tree,
      readBlockSync: (index) => {
        reads++;
        return source.readBlockSync(index);
      },
    };
    const run = installSteps(made.store(), counted);
    let most = 0;
    for (let before = 0; ; before = reads) {
      const step = run.next();
      most = Math.max(most, reads - before);
      if (step.done !== true) continue;
      expect(step.value).toEqual(installFrom(other.store(), source));
      break;
    }
    expect(most).toBe(1);
    expect(slotBytes(made)).toEqual(slotBytes(other));
    expect(made.boot().tag).toBe("boot");
  });

  it("gives the number of blocks written so far", () => {
    const { given, report } = steps(installSteps(board().store(), source));
    expect(given).toEqual(given.toSorted((a, b) => a - b));
    expect([given[0], given.at(-1)]).toEqual([0, report.blocks.length]);
    expect(new Set(given).size).toBe(report.blocks.length + 1);
  });

  it("is abandoned when it is stopped, and resumes with what is missing", () => {
    const store = board().store();
    const run = installSteps(store, source);
    for (let step = run.next(); step.value !== 4; step = run.next()) expect(step.done).toBe(false);
    run.return({ outcome: { tag: "not-bootable", reason: "receiving" }, runs: 0, blocks: [] });
    expect(store.writeBlock(4, source.readBlockSync(4))).toBe("failed");
    expect(store.status()).toMatchObject({ isBootable: false, failure: "receiving" });
    expect(steps(installSteps(store, source)).report).toMatchObject({
      outcome: { tag: "bootable" },
      blocks: [4, 5, 6, 7, 8, 9],
    });
  });

  it("leaves the running image of ab in place until the last step", () => {
    const made = board({ geometry: { ...GEOMETRY, layout: "ab" } });
    const store = made.store({ allowUpdate: true });
    installFrom(store, source);
    const next = image(randomData(30_000, 2), { version: { major: 2, minor: 0, patch: 0 } });
    for (const _ of installSteps(store, next)) {
      expect(store.ownSource()?.digest).toEqual(source.digest);
    }
    expect(store.ownSource()?.digest).toEqual(next.digest);
  });

  it("ends with the first step when the board refuses the image", () => {
    const store = board().store();
    const foreign = image(data, { hardwareClass: "lamp" });
    expect(code(() => installSteps(store, foreign).next())).toBe("hardware 4");
    expect(store.status()).toMatchObject({ failure: "empty" });
  });

  it("ends with the error of an image that cannot be read, and the board resumes", () => {
    const store = board().store();
    const changed: ImageSource = {
      ...source,
      tree: source.tree,
      readBlockSync: (index) => {
        if (index === 3) throw new FailedError("image-changed", "it changed");
        return source.readBlockSync(index);
      },
    };
    expect(code(() => steps(installSteps(store, changed)))).toBe("image-changed 1");
    store.abandon();
    expect(installFrom(store, source)).toMatchObject({
      outcome: { tag: "bootable" },
      blocks: [3, 4, 5, 6, 7, 8, 9],
    });
  });
});
