import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { changedSource, type FreeConstant, freeConstants } from "../support/changed-source.ts";
import * as unchanged from "../support/session-replay.ts";
import { sessionVectors } from "../support/session-vector.ts";

const constants = freeConstants();
const sessions = sessionVectors();

const doubled = ({ value }: FreeConstant): number => 2 * value;
/** Half of it; counts stay whole and above zero, so that 1 becomes 2. */
function halved({ value }: FreeConstant): number {
  if (!Number.isInteger(value)) return value / 2;
  return value === 1 ? 2 : Math.floor(value / 2);
}
/** One or the other, by its name, so that what is longer than another may be shorter now. */
function either(constant: FreeConstant): number {
  const sum = [...constant.name].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return sum % 2 === 0 ? doubled(constant) : halved(constant);
}

/** Replays all sessions on both sides: frames that were compared, and acks that went out beside them. */
function replayAll({ replayRescuer, replayTarget }: typeof unchanged): { frames: number; otherAcks: number } {
  const asTarget = sessions.filter(({ target }) => !target.asksAgain).map(replayTarget);
  const replayed = [...asTarget, ...sessions.map((session) => replayRescuer(session))];
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    frames: sum(replayed.map(({ frames }) => frames)),
    otherAcks: sum(replayed.map(({ otherAcks }) => otherAcks)),
  };
}

describe("the sessions of session-v1.json, with every free constant of PROTOCOL.md 6.4 changed in the code", () => {
  it.each([
    ["doubled", doubled],
    ["halved", halved],
    ["some doubled and some halved", either],
  ] as const)("are replayed the same, frame by frame: %s", async (_, change) => {
    expect(constants.length).toBeGreaterThan(110);
    const copy = changedSource(constants, change);
    try {
      expect(copy.changed).toBe(constants.length);
      const url = pathToFileURL(join(copy.folder, "test/support/session-replay.ts")).href;
      const changed = replayAll(await import(/* @vite-ignore */ url));
      const before = replayAll(unchanged);
      expect(before.frames).toBeGreaterThan(200);
      expect(changed.frames).toBe(before.frames);
      // The changes were in effect: acks have another rhythm.
      expect(changed.otherAcks).not.toBe(before.otherAcks);
    } finally {
      copy.drop();
    }
  });

  it("are not replayed when a constant of the list is not in the code, or would stay as it is", () => {
    expect(() => changedSource([{ name: "NO_SUCH_MS", value: 1 }], doubled)).toThrow(
      "NO_SUCH_MS is not found",
    );
    expect(() => changedSource([{ name: "SILENT_MS", value: 0 }], doubled)).toThrow("as before");
  });
});
