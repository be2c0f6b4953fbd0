import { describe, expect, it } from "vitest";
import type { FrameHook } from "../../lab/frame-tap.ts";
import { frameName } from "../../lab/replay.ts";
import { SupervisedRescue } from "../../lab/supervised-rescue.ts";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { encodeMessage } from "../../src/wire/frame.ts";

const stranger = new Uint8Array(8).fill(9);
const query = encodeDelimited(
  encodeMessage({ tag: "query", nodeId: stranger, bootNonce: new Uint8Array(8).fill(5) }, 1),
);

describe("a target that another node asked in mid-transfer", () => {
  it("ends healed, with its done not heard, when its rescuer vanishes before it answers done", () => {
    let isGone = false;
    let objects = 0;
    const hook: FrameHook = ({ bytes }, pass) => {
      const name = frameName(bytes);
      if (name === "done") isGone = true;
      if (!isGone) pass(bytes);
      // Before the round trip is known patience is long: what was put off then comes due long after done.
      if (name === "object" && ++objects === 1) pass(query);
    };
    const run = new SupervisedRescue({ seed: 1, size: 12_288, blockSize: 1024, baud: 921_600 }, () => hook);
    run.rescue.run(60_000, () => run.rescue.hasEvent("finished"));
    expect(run.isBootable).toBe(true);
    expect(run.rescue.targetEvents).toContainEqual({ tag: "finished", isHeard: false });
    expect(run.rescue.hasEvent("sessionLost")).toBe(false);
  });
});
