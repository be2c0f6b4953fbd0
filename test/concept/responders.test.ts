import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { TransportWrapper } from "../../src/transport/transport-wrapper.ts";
import type { Sighting } from "./sightings.ts";
import { imageOf, STAGE_BLOCKS, Stage, type StageNode, shortOf } from "./stage.ts";

const OLD = imageOf("1.0.0");

/** Images of equal order: no board takes one in place of another. */
const builds = (count: number): ImageSource[] =>
  Array.from({ length: count }, (_, build) => imageOf("1.0.0", { build }));

/** A board without an image, linked to healthy ones with these names and images. */
function called(
  stage: Stage,
  names: readonly string[],
  images: readonly ImageSource[],
): { readonly x: StageNode; readonly others: StageNode[] } {
  const wires = names.map((name) => stage.wire("X", name));
  const others = wires.map(([, end], i) => stage.node(stage.board({ image: images[i] ?? OLD }), [end]));
  const x = stage.node(
    stage.board(),
    wires.map(([end]) => end),
  );
  return { x, others };
}

const imagesFrom = (stage: Stage, name: string): Sighting[] => stage.seen(`${name}-X`, "image");

describe("several neighbours that answer one call", () => {
  it("F3.2 F3.3 F3.4 §59 §60: the first one gets the handshake and writes, the others are stood down", async () => {
    const stage = new Stage();
    const names = ["A", "B", "C"];
    const { x, others } = called(stage, names, builds(names.length));
    await stage.until(() => x.started.length > 0, 30_000, x);
    await stage.pass(10_000);
    const offers = stage.sightings.filter(({ kind }) => kind === "offer");
    expect(new Set(offers.map(({ from }) => from))).toEqual(new Set(["A-X", "B-X", "C-X"]));
    // One link carries the image: that of the first offer that arrived, and whose rescuer heard the accept.
    const [accept] = stage.sightings.filter(({ kind, from }) => kind === "accept" && from.startsWith("X-"));
    const winner = accept?.from.slice(2) ?? "";
    const writers = names.filter((name) => imagesFrom(stage, name).length > 0);
    expect(writers).toEqual([winner]);
    expect(stage.sightings.filter(({ kind }) => kind === "accept").map(({ from }) => from)).toEqual([
      `X-${winner}`,
    ]);
    const losers = names.filter((name) => name !== winner);
    for (const name of losers) expect(stage.seen(`X-${name}`, "standDown").length).toBeGreaterThan(0);
    const healed = others.flatMap((node) => node.of("healed"));
    expect(healed.map(({ link, blocks }) => [link, blocks])).toEqual([[`${winner}-X`, STAGE_BLOCKS]]);
  });

  it("F3.3: those that have the image which the first one brings may bring parts of it, and the target alone writes", async () => {
    const stage = new Stage();
    const names = ["A", "B", "C"];
    const { x, others } = called(stage, names, []);
    await stage.until(() => x.started.length > 0, 30_000, x);
    await stage.pass(10_000);
    const accepts = stage.sightings.filter(({ kind, from }) => kind === "accept" && from.startsWith("X-"));
    expect(new Set(accepts.map(({ from }) => from))).toEqual(new Set(names.map((name) => `X-${name}`)));
    expect(x.of("healed")).toHaveLength(1);
    const healed = others.flatMap((node) => node.of("healed"));
    expect(healed.map(({ link }) => link).toSorted()).toEqual(["A-X", "B-X", "C-X"]);
    expect(healed.reduce((sum, { blocks }) => sum + blocks, 0)).toBeLessThan(2 * STAGE_BLOCKS);
  });

  it("F3.11: when the rescuer dies in the middle, another one sends exactly the blocks that are missing", async () => {
    const stage = new Stage();
    const [[xa, a], [xb, b]] = [stage.wire("X", "A"), stage.wire("X", "B")];
    const dying = stage.node(stage.board({ image: OLD }), [a]);
    const x = stage.node(stage.board(), [xa, xb]);
    const progress = (): number => Math.max(0, ...x.of("progress").map(({ blocks }) => blocks));
    await stage.until(() => progress() >= 2, 30_000, x);
    const other = stage.node(stage.board({ image: OLD }), [b]);
    dying.cutPower();
    const diedAt = stage.clock.now();
    const atDeath = progress();
    expect(atDeath).toBeLessThan(STAGE_BLOCKS);
    await stage.until(() => other.of("healed").length === 1, 60_000, x, other);
    expect(x.boots).toBe("1.0.0");
    const [healed] = other.of("healed");
    // Of its verdict: blocks of all its sessions. One more may have been on its way when the first one died.
    const kept = STAGE_BLOCKS - (await other.stop()).blocks;
    expect(kept).toBeGreaterThanOrEqual(atDeath);
    expect(kept).toBeLessThanOrEqual(atDeath + 1);
    expect((healed?.at ?? 0) - diedAt).toBeLessThan(10_000);
  });
});

describe("a healed board among others", () => {
  it("C10 C11 F1.11 F3.7 F3.8 F3.10: looks after its neighbour with what it received, when its own rescuer is gone", async () => {
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B");
    const [bd, db] = stage.wire("B", "D");
    const [de, ed] = stage.wire("D", "E");
    const a = stage.node(stage.board({ image: OLD }), [ab]);
    const b = stage.node(stage.board(), [ba, bd]);
    await stage.until(() => b.started.length > 0, 30_000, a, b);
    await stage.pass(1_000);
    a.cutPower();
    const d = stage.node(stage.board(), [db, de]);
    const e = stage.node(stage.board(), [ed]);
    await stage.until(() => e.started.length > 0, 60_000, b, d, e);
    expect([b, d, e].map(({ boots }) => boots)).toEqual(["1.0.0", "1.0.0", "1.0.0"]);
    expect(b.of("healed").map(({ link }) => link)).toEqual(["B-A", "B-D"]);
    expect(d.of("healed").map(({ link }) => link)).toEqual(["D-B", "D-E"]);
  });

  it("F3.12: a board between a neighbour that is being healed and a healthy one does not wait, and nobody begins a second image", async () => {
    const stage = new Stage();
    const newer = imageOf("1.1.0");
    // A to B is slow: B's heal takes ten times as long as D's.
    const [ab, ba] = stage.wire("A", "B", 9_600);
    const [bd, db] = stage.wire("B", "D");
    const [dc, cd] = stage.wire("D", "C");
    const a = stage.node(stage.board({ image: OLD }), [ab]);
    const b = stage.node(stage.board(), [ba, bd]);
    await stage.until(() => b.of("progress").length > 0, 30_000, a, b);
    const c = stage.node(stage.board({ image: newer }), [cd]);
    const d = stage.node(stage.board(), [db, dc]);
    await stage.until(() => d.started.length > 0, 10_000, b, c, d);
    expect(b.started).toEqual([]);
    await stage.until(() => b.started.length > 0, 60_000, a, b, c, d);
    expect(b.started).toEqual(["1.0.0"]);
    const digests = stage.sightings.flatMap(({ from, message }) =>
      from.startsWith("B-") && message?.tag === "accept" ? [Buffer.from(message.digest).toString("hex")] : [],
    );
    expect(new Set(digests)).toEqual(new Set([shortOf(OLD)]));
    // Later the newer one is spread to all, in the usual way.
    await stage.until(() => a.started.includes("1.1.0"), 180_000, a, b, c, d);
    expect(b.boots).toBe("1.1.0");
  });
});

/** A transport that counts how often it was opened and closed. */
class CountingTransport extends TransportWrapper {
  opened = 0;
  closed = 0;

  override open(handlers: Parameters<Transport["open"]>[0]): Promise<void> {
    this.opened++;
    return super.open(handlers);
  }

  override close(): Promise<void> {
    this.closed++;
    return super.close();
  }
}

describe("one process on one port", () => {
  it("C10 F1.9: takes both sides, one after the other, without opening the port a second time", async () => {
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B").map((end) => new CountingTransport(end)) as [
      CountingTransport,
      CountingTransport,
    ];
    const a = stage.node(stage.board({ image: OLD }), [ab]);
    const b = stage.node(stage.board(), [ba]);
    const rounds: readonly [StageNode, StageNode, string][] = [
      [a, b, "1.1.0"],
      [b, a, "1.2.0"],
      [a, b, "1.3.0"],
    ];
    await stage.until(() => b.started.length > 0, 30_000, a, b);
    for (const [from, to, version] of rounds) {
      await Promise.all([
        from.handle.install(imageOf(version), "a file"),
        stage.until(() => to.started.includes(version), 120_000, a, b),
      ]);
    }
    for (const node of [a, b]) {
      const roles: readonly string[] = node.of("role").map(({ role }) => role);
      expect(roles.indexOf("rescuer")).toBeGreaterThanOrEqual(0);
      expect(roles.indexOf("target")).toBeGreaterThanOrEqual(0);
    }
    expect([ab.opened, ab.closed, ba.opened, ba.closed]).toEqual([1, 0, 1, 0]);
    await Promise.all([a.stop(), b.stop()]);
    expect([ab.opened, ab.closed, ba.opened, ba.closed]).toEqual([1, 1, 1, 1]);
  });

  it("C10 C11 C19: answers from its own status and those of others: it heals by its repository while it calls for nothing itself", async () => {
    const stage = new Stage();
    const limit: Millis = 60_000;
    const [ab, ba] = stage.wire("A", "B");
    const valve = imageOf("3.0.0", { hardwareClass: "valve" });
    const a = stage.node(stage.board({ image: OLD }), [ab], { repository: fixedRepository([valve]) });
    const b = stage.node(stage.board({ hardwareClass: "valve" }), [ba]);
    await stage.until(() => b.started.length > 0, limit, a, b);
    expect(b.boots).toBe("3.0.0");
    expect(a.boots).toBe("1.0.0");
    expect(stage.seen("A-B", "distress", "accept")).toEqual([]);
  });
});
