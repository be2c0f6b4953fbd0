import { describe, expect, it } from "vitest";
import { encodeDelimited } from "../../src/wire/cobs.ts";
import { encodeMessage } from "../../src/wire/frame.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { imageOf, Stage } from "../concept/stage.ts";

const MINUTE_MS = 60_000;

describe("somebody who calls for help and answers no offer", () => {
  it("does not keep updates from boards on other links", async () => {
    const stage = new Stage();
    const [toCaller, caller] = stage.wire("A", "X");
    const [toBoard, fromBoard] = stage.wire("A", "B");
    const a = stage.node(stage.board({ image: imageOf("1.1.0") }), [toCaller, toBoard]);
    await stage.pass(1_000);
    const { hardwareId8 } = a.board.store().status();
    let calls = 0;
    await caller.open({ onUp: () => {}, onDown: () => {}, onBytes: () => {}, onWritable: () => {} });
    const call = (): void => {
      const nodeId = new Uint8Array(8).fill(1 + (calls % 200));
      const distress: Beacon = {
        tag: "distress",
        nodeId,
        bootNonce: nodeId,
        hardwareId: hardwareId8,
        revision: 1,
        failure: "hash",
        isProvider: false,
        version: { major: 0, minor: 0, patch: 0 },
        sequence: 0,
        counterFloor: 0,
        installedDigest: undefined,
        receivingDigest: undefined,
      };
      calls++;
      caller.write(encodeDelimited(encodeMessage(distress, 1)));
      stage.clock.after(300, call);
    };
    call();
    await stage.pass(10_000);
    const b = stage.node(stage.board({ image: imageOf("1.0.0") }), [fromBoard]);
    await stage.until(() => b.started.includes("1.1.0"), 3 * MINUTE_MS, a, b);
    expect(calls).toBeGreaterThan(30);
    expect(stage.seen("A-X", "offer").length).toBeGreaterThan(3);
  });
});
