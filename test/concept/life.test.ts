import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import type { BootReport } from "../../src/node/board-life.ts";
import { inVirtualTime } from "../support/virtual-time.ts";
import { imageOf, Stage, type StageDuties, type StageNode } from "./stage.ts";

const OLD = imageOf("1.0.0");
const MINUTE_MS: Millis = 60_000;

/** Board A with these duties and a neighbour B, both on 1.0.0. */
function pair(duties: StageDuties): { readonly stage: Stage; readonly a: StageNode; readonly b: StageNode } {
  const stage = new Stage();
  const [ab, ba] = stage.wire("A", "B");
  const a = stage.node(stage.board({ image: OLD }), [ab], duties);
  const b = stage.node(stage.board({ image: OLD }), [ba]);
  return { stage, a, b };
}

const failsWith =
  (version: string, boots: BootReport[]) =>
  async (boot: BootReport): Promise<boolean> => {
    boots.push(boot);
    return boot.version !== version;
  };

describe.each(["by-app", "on-verify"] as const)(
  "an image of the policy %s is confirmed before it is passed on",
  (confirm) => {
    const TRIAL = imageOf("1.1.0", { confirm });

    it("F3.6 §58: on-boot ends well: the image is confirmed, and spreads", async () => {
      const boots: BootReport[] = [];
      const { stage, a, b } = pair({ onBoot: failsWith("never", boots) });
      await inVirtualTime(stage.clock, a.handle.install(TRIAL, "a file"));
      await stage.until(() => b.started.includes("1.1.0"), MINUTE_MS, a, b);
      expect(boots.map(({ version, isTrial }) => [version, isTrial])).toEqual([
        ["1.0.0", false],
        ["1.1.0", true],
      ]);
      expect(a.board.store().status().isTrial).toBe(false);
    });

    it("F2.5 F3.6: on-boot fails three times: the image is reverted, the board boots the old one, and nobody gets it", async () => {
      const boots: BootReport[] = [];
      const { stage, a, b } = pair({ onBoot: failsWith("1.1.0", boots) });
      const install = a.handle.install(TRIAL, "a file").catch((error: unknown) => error);
      expect(await inVirtualTime(stage.clock, install)).toMatchObject({ code: "board-install", exitCode: 1 });
      await stage.pass(10 * MINUTE_MS);
      expect(boots.map(({ version }) => version)).toEqual(["1.0.0", "1.1.0", "1.1.0", "1.1.0", "1.0.0"]);
      expect(a.started.at(-1)).toBe("1.0.0");
      expect(a.boots).toBe("1.0.0");
      expect(b.started).toEqual(["1.0.0"]);
      expect(stage.seen("A-B", "offer", "image")).toEqual([]);
      // The next release is taken as if the failed one had never been there.
      await inVirtualTime(stage.clock, a.handle.install(imageOf("1.2.0", { confirm }), "a file"));
      expect(a.boots).toBe("1.2.0");
    });

    it("F2.5 F3.6: an update that a neighbour handed on and that fails ends there: it goes no further", async () => {
      const stage = new Stage();
      const [ab, ba] = stage.wire("A", "B");
      const [bc, cb] = stage.wire("B", "C");
      const boots: BootReport[] = [];
      const a = stage.node(stage.board({ image: TRIAL }), [ab]);
      const b = stage.node(stage.board({ image: OLD }), [ba, bc], { onBoot: failsWith("1.1.0", boots) });
      const c = stage.node(stage.board({ image: OLD }), [cb]);
      await stage.until(() => b.started.length >= 5, 5 * MINUTE_MS, a, b, c);
      await stage.pass(2 * MINUTE_MS);
      expect(b.started.slice(0, 5)).toEqual(["1.0.0", "1.1.0", "1.1.0", "1.1.0", "1.0.0"]);
      expect(b.boots).toBe("1.0.0");
      expect(c.started).toEqual(["1.0.0"]);
      expect(stage.seen("B-C", "image")).toEqual([]);
    });

    it("F2.5: with trial-confirm by the application it is passed on when that has confirmed it, not before", async () => {
      const { stage, a, b } = pair({ confirms: false });
      await inVirtualTime(stage.clock, a.handle.install(TRIAL, "a file"));
      await stage.pass(10 * MINUTE_MS);
      expect(a.started.at(-1)).toBe("1.1.0");
      expect(stage.seen("A-B", "offer", "image")).toEqual([]);
      expect(b.started).toEqual(["1.0.0"]);
      a.handle.confirm();
      await stage.until(() => b.started.includes("1.1.0"), 2 * MINUTE_MS, a, b);
    });

    it("F2.5: with a soak of ten minutes it is passed on after these, not before", async () => {
      const { stage, a, b } = pair({ soakMs: 10 * MINUTE_MS });
      await stage.pass(11 * MINUTE_MS);
      await inVirtualTime(stage.clock, a.handle.install(TRIAL, "a file"));
      const installedAt = stage.clock.now();
      await stage.pass(9.9 * MINUTE_MS);
      expect(stage.seen("A-B", "offer", "image")).toEqual([]);
      await stage.until(() => b.started.includes("1.1.0"), 2 * MINUTE_MS, a, b);
      const [offer] = stage.seen("A-B", "offer");
      expect((offer?.at ?? 0) - installedAt).toBeGreaterThan(9.9 * MINUTE_MS);
    });

    it("F3.4: a soak does not hold back help for a board that does not boot", async () => {
      const stage = new Stage();
      const [ab, ba] = stage.wire("A", "B");
      const a = stage.node(stage.board({ image: OLD }), [ab], { soakMs: 60 * MINUTE_MS });
      const b = stage.node(stage.board(), [ba]);
      await stage.until(() => b.started.length > 0, MINUTE_MS, a, b);
    });
  },
);

describe("a board with a repository of its own", () => {
  it("C18 F1.10 §60: that does not boot heals itself from it, without a neighbour", async () => {
    const stage = new Stage();
    const board = stage.board({ image: OLD });
    stage.damage(board);
    const [near] = stage.wire("A", "B");
    const repository = fixedRepository([OLD, imageOf("0.9.0"), imageOf("9.0.0", { hardwareClass: "valve" })]);
    const node = stage.node(board, [near], { repository });
    await stage.until(() => node.started.length > 0, MINUTE_MS, node);
    expect(node.of("installed").map(({ version, from }) => [version, from])).toEqual([
      ["1.0.0", "its repository"],
    ]);
    expect(node.boots).toBe("1.0.0");
    // From then on it calls no more.
    const calls = stage.seen("A-B", "distress").length;
    await stage.pass(MINUTE_MS);
    expect(stage.seen("A-B", "distress").length).toBe(calls);
  });

  it("C14 C18 F2.1 F2.3 §57: that boots takes a newer image that is put there, and hands it to its neighbours by itself", async () => {
    const images = [OLD];
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B");
    const a = stage.node(stage.board({ image: OLD }), [ab], { repository: fixedRepository(images) });
    const b = stage.node(stage.board({ image: OLD }), [ba]);
    await stage.pass(MINUTE_MS);
    expect(a.started).toEqual(["1.0.0"]);
    images.push(imageOf("1.1.0"));
    await stage.until(() => a.started.includes("1.1.0") && b.started.includes("1.1.0"), MINUTE_MS, a, b);
    expect(a.of("installed").map(({ version, from }) => [version, from])).toEqual([
      ["1.1.0", "its repository"],
    ]);
    const orderOf = (node: StageNode): Millis =>
      node.of("booted").find(({ version }) => version === "1.1.0")?.at ?? Number.NaN;
    expect(orderOf(a)).toBeLessThan(orderOf(b));
  });

  it("F2.9: whose policy is never leaves the newer image where it is, and still heals itself", async () => {
    const stage = new Stage();
    const [near] = stage.wire("A", "B");
    const repository = fixedRepository([imageOf("1.1.0")]);
    const duties: StageDuties = { repository, policy: { update: "never", allowSingle: false } };
    const healthy = stage.node(stage.board({ image: OLD }), [near], duties);
    const blank = stage.node(stage.board(), [stage.wire("C", "D")[0]], duties);
    await stage.pass(MINUTE_MS);
    expect(healthy.started).toEqual(["1.0.0"]);
    expect(blank.started).toEqual(["1.1.0"]);
  });
});
