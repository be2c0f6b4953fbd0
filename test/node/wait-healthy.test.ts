import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { damageSlot } from "../../src/board/damage.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import type { RescuerHost, RescuerLink } from "../../src/node/rescuer-links.ts";
import { RescuerSide } from "../../src/node/rescuer-side.ts";
import { beaconOf, type NodeStatus } from "../../src/session/beacon.ts";
import { numberedBoard } from "../support/two-links.ts";
import { inVirtualTime, pass, passUntil } from "../support/virtual-time.ts";
import { BY_APP, IMAGES, LINK_KEY, ON_VERIFY, WAIT_MS, WaitBench } from "./wait-bench.ts";

describe("a rescuer that waits for a healed board, with once", () => {
  it("ends with the heal when its verification confirms the image", async () => {
    const bench = new WaitBench();
    const [near, far] = bench.wire("a");
    const rescue = bench.rescue([far], { repository: fixedRepository([ON_VERIFY]) });
    await inVirtualTime(bench.clock, bench.distress(near));
    const { afterS, ...verdict } = await bench.ended(rescue);
    expect(verdict).toMatchObject({ code: 0, reason: "healed", healed: 1 });
    expect(afterS).toBeLessThan(1);
    expect(bench.of("healthy")).toMatchObject([{ link: "a", digest: toHex(ON_VERIFY.digest), seconds: 0 }]);
    await bench.close();
  });

  it("ends well within 3 s of the confirmation by the application", async () => {
    for (const afterMs of [0, 100, 1_500, 9_000]) {
      const bench = new WaitBench();
      const [near, far] = bench.wire("a");
      const rescue = bench.rescue([far]);
      const node = bench.node(near, { confirms: false });
      await bench.until("healed");
      await pass(bench.clock, afterMs);
      expect(bench.of("healthy")).toEqual([]);
      node.confirm();
      const { afterS, ...verdict } = await bench.ended(rescue);
      expect(verdict).toMatchObject({ code: 0, reason: "healed", digest: toHex(BY_APP.digest) });
      expect(bench.of("healthy")).toMatchObject([{ peer: verdict.peer, digest: verdict.digest }]);
      expect(afterS).toBeLessThan(afterMs / 1000 + 3);
      await bench.close();
    }
  });

  it("fails after its time, not before, while the image is on trial, whatever the timeout", async () => {
    const bench = new WaitBench();
    const [near, far] = bench.wire("a");
    const rescue = bench.rescue([far], { timeoutMs: 7_000 });
    bench.node(near, { confirms: false });
    const { afterS, ...verdict } = await bench.ended(rescue);
    expect(verdict).toMatchObject({ ok: false, code: 1, reason: "not-healthy", healed: 1 });
    expect(verdict.detail).toContain("still has it on trial 20 s after it was healed");
    expect(afterS).toBeCloseTo(WAIT_MS / 1000, 0);
    expect(bench.of("not-healthy")).toMatchObject([{ reason: "trial", seconds: 20 }]);
    await bench.close();
  });

  it("fails at once when the board gives the image up, and serves nobody in the meantime", async () => {
    const bench = new WaitBench();
    const [near, far] = bench.wire("a");
    const [otherNear, otherFar] = bench.wire("b");
    const rescue = bench.rescue([far, otherFar]);
    let starts = 0;
    const start = async (): Promise<boolean> => {
      starts++;
      await new Promise<void>((resolve) => bench.clock.after(1_000, resolve));
      return false;
    };
    bench.node(near, { onBoot: start });
    await bench.until("healed");
    bench.node(otherNear, {}, numberedBoard(2, "gate"));
    const { afterS, ...verdict } = await bench.ended(rescue);
    expect(verdict).toMatchObject({ code: 1, reason: "not-healthy", healed: 1 });
    expect(bench.of("not-healthy")).toMatchObject([{ link: "a", reason: "reverted" }]);
    expect(starts).toBe(3);
    expect(afterS).toBeGreaterThan(3);
    expect(afterS).toBeLessThan(6);
    expect(bench.of("distress").map(({ link }) => link)).toContain("b");
    expect(bench.of("offer").map(({ link }) => link)).toEqual(["a"]);
    await bench.close();
  });

  it("is decided by the board that was healed first, also when another session ends meanwhile", async () => {
    const bench = new WaitBench();
    const [nearA, farA] = bench.wire("a");
    const [nearB, farB] = bench.wire("b");
    const rescue = bench.rescue([farA, farB]);
    const first = bench.node(nearA, { confirms: false });
    await bench.until("progress");
    bench.node(nearB, { listensFirst: false }, numberedBoard(2, "gate"));
    await passUntil(bench.clock, () => bench.of("healed").length === 2, 30_000);
    expect(bench.of("healed").map(({ link }) => link)).toEqual(["a", "b"]);
    await pass(bench.clock, 5_000);
    first.confirm();
    const verdict = await bench.ended(rescue);
    expect(verdict).toMatchObject({ code: 0, reason: "healed", peer: "0707070707070701", healed: 2 });
    expect(bench.of("healthy").map(({ link }) => link)).toEqual(["a"]);
    await bench.close();
  });

  it("says that nothing was heard of a board that is silent", async () => {
    const bench = new WaitBench();
    const [near, far] = bench.wire("a");
    const rescue = bench.rescue([far]);
    // It ends after DONE, whatever becomes of its image.
    await inVirtualTime(bench.clock, bench.distress(near));
    const { detail, code } = await bench.ended(rescue);
    expect(code).toBe(1);
    expect(bench.of("not-healthy")).toMatchObject([{ reason: "nothing" }]);
    expect(detail).toContain("said nothing in the 20 s after it was healed");
    await bench.close();
  });

  it("is not ended by a call that anybody can send on a link with a key", async () => {
    const bench = new WaitBench();
    const [near, far] = bench.wire("a");
    const rescue = bench.rescue([far], { linkKey: LINK_KEY });
    bench.node(near, {
      links: [{ source: near, linkKey: LINK_KEY }],
      onBoot: async () => false,
    });
    const { afterS, code } = await bench.ended(rescue);
    expect(code).toBe(1);
    expect(bench.of("not-healthy")).toMatchObject([{ reason: "reverted" }]);
    expect(afterS).toBeCloseTo(WAIT_MS / 1000, 0);
    await bench.close();
  });

  it("counts the beacon that stood for DONE: it need not be said twice", () => {
    const clock = new VirtualClock();
    const told: string[] = [];
    const link = {
      endpoint: "a",
      end: { counters: { bytesSent: 0 }, isKeyed: false, stranger: undefined },
      driver: { pump: () => {}, transport: { facts: {} } },
    } as unknown as RescuerLink;
    const host = {
      clock,
      random: new SeededRandom(1),
      links: [link],
      line: { noteNode: () => {} },
      report: ({ event }: NodeEvent) => told.push(event),
      end: ({ code }: { readonly code: number }) => told.push(`exit ${code}`),
    } as unknown as RescuerHost;
    const side = new RescuerSide(host, {
      once: true,
      waitHealthyMs: WAIT_MS,
      repository: IMAGES,
      allowUnsigned: false,
    });
    const [nodeId, bootNonce] = [new Uint8Array(8).fill(7), new Uint8Array(8).fill(6)];
    const digest = shortDigest(BY_APP.digest);
    const status: NodeStatus = {
      nodeId,
      hardwareId: new Uint8Array(8),
      revision: 0,
      failure: undefined,
      installed: { digest, version: { major: 1, minor: 0, patch: 0 }, sequence: 1 },
      receivingDigest: undefined,
      counterFloor: 0,
    };
    side.handle(0, { tag: "heard", beacon: beaconOf(status, bootNonce) }, link);
    side.handle(
      1,
      { tag: "healed", digest, targetId: nodeId, targetNonce: bootNonce, isProven: false },
      link,
    );
    expect(told).toEqual(["healed", "healthy", "exit 0"]);
  });

  it("is interrupted as at any other time, with the heal in its verdict", async () => {
    const bench = new WaitBench();
    const [near, far] = bench.wire("a");
    const stop = new AbortController();
    const rescue = bench.rescue([far], { signal: stop.signal });
    bench.node(near, { confirms: false });
    const healedAt = await bench.until("healed");
    await pass(bench.clock, 500);
    stop.abort();
    const verdict = await bench.ended(rescue);
    expect(verdict).toMatchObject({ code: 130, healed: 1, digest: toHex(BY_APP.digest) });
    expect(bench.clock.now() - healedAt).toBeLessThan(1_000);
    await bench.close();
  });
});

describe("a rescuer that waits for healed boards, and is not to end", () => {
  it("says of each of two boards on two links what became of it, and ends as before", async () => {
    const bench = new WaitBench();
    const [nearA, farA] = bench.wire("a");
    const [nearB, farB] = bench.wire("b");
    const rescue = bench.rescue([farA, farB], { once: false, timeoutMs: 30_000 });
    bench.node(nearA);
    bench.node(nearB, { confirms: false }, numberedBoard(2, "gate"));
    const verdict = await bench.ended(rescue);
    expect(bench.of("healthy")).toMatchObject([{ link: "a", peer: "0707070707070701" }]);
    expect(bench.of("not-healthy")).toMatchObject([{ link: "b", peer: "0707070707070702", reason: "trial" }]);
    expect(verdict).toMatchObject({ code: 0, reason: "healed", healed: 2 });
    // The time without progress begins when nobody is waited for any more; a few blocks' time of each line comes on top.
    const lastAt = bench.of("not-healthy")[0]?.at ?? 0;
    expect(bench.clock.now() - lastAt).toBeGreaterThanOrEqual(30_000);
    expect(bench.clock.now() - lastAt).toBeLessThan(32_000);
    await bench.close();
  });

  it("serves a board that calls again, and says of both heals what became of them", async () => {
    const bench = new WaitBench();
    const stop = new AbortController();
    const [near, far] = bench.wire("a");
    const rescue = bench.rescue([far], { once: false, signal: stop.signal });
    const board = numberedBoard(1, "gate");
    await inVirtualTime(bench.clock, bench.distress(near, board));
    // Its firmware damages itself, and its boot loader calls.
    const { map } = board.parts.flash;
    damageSlot(board.storage, map, { slot: 0, sector: 0, isErase: false }, new SeededRandom(3));
    await inVirtualTime(bench.clock, bench.distress(near, board));
    await passUntil(bench.clock, () => bench.of("healed").length === 2, 30_000);
    await pass(bench.clock, WAIT_MS + 1_000);
    expect(bench.of("not-healthy").map(({ reason }) => reason)).toEqual(["again", "nothing"]);
    stop.abort("SIGTERM");
    await bench.ended(rescue);
    await bench.close();
  });
});
