import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import { runDispatch } from "../../src/node/dispatch-node.ts";
import type { NodeEvent } from "../../src/node/node-event.ts";
import { inVirtualTime } from "../support/virtual-time.ts";
import { imageOf, STAGE_BLOCKS, Stage, type StageBoard, type StageNode, shortOf } from "./stage.ts";

const LONG_MS: Millis = 300_000;

/** Neighbours of a board, or provider, that has 1.1.0. */
const NEIGHBOURS: Readonly<Record<string, StageBoard>> = {
  older: { image: imageOf("1.0.0") },
  equal: { image: imageOf("1.1.0") },
  newer: { image: imageOf("1.2.0") },
  foreign: { image: imageOf("0.5.0", { hardwareClass: "valve" }), hardwareClass: "valve" },
};
const NAMES = Object.keys(NEIGHBOURS);

function among(start: (stage: Stage, ends: ReturnType<Stage["wire"]>[0][]) => StageNode): {
  readonly stage: Stage;
  readonly hub: StageNode;
  readonly nodes: ReadonlyMap<string, StageNode>;
} {
  const stage = new Stage();
  const wires = NAMES.map((name) => stage.wire("A", name));
  const hub = start(
    stage,
    wires.map(([end]) => end),
  );
  const nodes = new Map(
    NAMES.map((name, i) => [
      name,
      stage.node(
        stage.board(NEIGHBOURS[name]),
        wires.slice(i, i + 1).map(([, end]) => end),
      ),
    ]),
  );
  return { stage, hub, nodes };
}

function expectOnlyOlderServed(stage: Stage, nodes: ReadonlyMap<string, StageNode>): void {
  expect(NAMES.map((name) => nodes.get(name)?.boots)).toEqual(["1.1.0", "1.1.0", "1.2.0", "0.5.0"]);
  for (const name of NAMES) {
    const frames = stage.seen(`A-${name}`, "image").length;
    if (name === "older") expect(frames).toBeGreaterThan(0);
    else expect(frames).toBe(0);
  }
}

describe("a provider that has 1.1.0 compares its neighbours' versions with that", () => {
  it("C14 C15 C16 F1.12 F2.3 F2.8 F2.9: the older board gets it, once; equal, newer and other hardware get no byte of an image", async () => {
    const { stage, hub, nodes } = among((it, ends) =>
      it.node(it.board({ image: imageOf("1.1.0") }), ends, {
        // It stays at 1.1.0 beside a newer one.
        policy: { update: "never", allowSingle: false },
      }),
    );
    await stage.pass(LONG_MS);
    expectOnlyOlderServed(stage, nodes);
    const served = hub.of("healed").map(({ link, blocks }) => [link, blocks]);
    expect(served).toEqual([["A-older", STAGE_BLOCKS]]);
    for (const name of ["equal", "newer", "foreign"]) expect(stage.seen(`A-${name}`, "offer")).toEqual([]);
  });

  it("C15 C22 F1.12 F2.8: so does a node without a board", async () => {
    const { stage, nodes } = among((it, ends) =>
      it.provider(ends, { repository: fixedRepository([imageOf("1.1.0")]) }),
    );
    await stage.pass(LONG_MS);
    expectOnlyOlderServed(stage, nodes);
  });

  it("F2.2 F2.3 F2.4 §57: dispatch asks all neighbours for their versions, serves the older one, and ends", async () => {
    const stage = new Stage();
    const wires = NAMES.map((name) => stage.wire("A", name));
    const nodes = new Map(
      NAMES.map((name, i) => [
        name,
        stage.node(
          stage.board(NEIGHBOURS[name]),
          wires.slice(i, i + 1).map(([, end]) => end),
        ),
      ]),
    );
    await stage.pass(60_000);
    const events: NodeEvent[] = [];
    const verdict = await inVirtualTime(
      stage.clock,
      runDispatch({
        ...stage.edges,
        links: wires.map(([end]) => end),
        repository: fixedRepository([imageOf("1.1.0")]),
        allowUnsigned: false,
        once: false,
        signal: new AbortController().signal,
        onEvent: (event) => events.push(event),
      }),
    );
    expect(verdict).toMatchObject({ code: 0, reason: "updated", blocks: STAGE_BLOCKS });
    for (const name of NAMES) expect(stage.seen(`A-${name}`, "query").length).toBeGreaterThan(0);
    expectOnlyOlderServed(stage, nodes);
    const ended = stage.sightings.length;
    await stage.pass(60_000);
    expect(stage.sightings.slice(ended).filter(({ from }) => from.startsWith("A-"))).toEqual([]);
  });
});

describe("a board with a newer version and three older neighbours", () => {
  it.each([1, 3])("F2.6 §58: updates %i of them at the same time, and all in the end", async (fanOut) => {
    const stage = new Stage();
    const names = ["B", "C", "D"];
    const wires = names.map((name) => stage.wire("A", name));
    const a = stage.node(
      stage.board({ image: imageOf("1.1.0") }),
      wires.map(([end]) => end),
      { fanOut },
    );
    const others = wires.map(([, end]) => stage.node(stage.board({ image: imageOf("1.0.0") }), [end]));
    let most = 0;
    const isServed = ({ of }: StageNode): boolean => of("offer").length > of("healed").length;
    const areAllNew = (): boolean => {
      most = Math.max(most, others.filter(isServed).length);
      return others.every(({ started }) => started.includes("1.1.0"));
    };
    await stage.until(areAllNew, LONG_MS, a, ...others);
    expect(most).toBe(fanOut);
  });
});

describe("two boards with a single slot in a line, between two that run a newer version", () => {
  it("F2.5 F2.7 F2.9 §58: both are updated, and at no time do both have no image", async () => {
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B");
    const [bc, cb] = stage.wire("B", "C");
    const [cd, dc] = stage.wire("C", "D");
    const duties = { policy: { update: "auto", allowSingle: true } } as const;
    const single = { image: imageOf("1.0.0"), layout: "single" } as const;
    const newer = { image: imageOf("1.1.0") };
    const a = stage.node(stage.board(newer), [ab]);
    const b = stage.node(stage.board(single), [ba, bc], duties);
    const c = stage.node(stage.board(single), [cb, cd], duties);
    const d = stage.node(stage.board(newer), [dc]);
    const isOverwritten = ({ handle }: StageNode): boolean =>
      (handle.status()["board"] as { readonly isBootable: boolean }).isBootable === false;
    const seen = { one: 0, both: 0 };
    const areBothNew = (): boolean => {
      if (isOverwritten(b) || isOverwritten(c)) seen.one++;
      if (isOverwritten(b) && isOverwritten(c)) seen.both++;
      return [b, c].every(({ started }) => started.includes("1.1.0"));
    };
    await stage.until(areBothNew, LONG_MS, a, b, c, d);
    expect(seen.one).toBeGreaterThan(0);
    expect(seen.both).toBe(0);
  });
});

describe("two boards with different images of the same order", () => {
  it("F2.8: both tell of a conflict, and neither updates the other", async () => {
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B");
    const [one, other] = [imageOf("1.0.0"), imageOf("1.0.0", { build: 1 })];
    const a = stage.node(stage.board({ image: one }), [ab]);
    const b = stage.node(stage.board({ image: other }), [ba]);
    await stage.pass(LONG_MS);
    expect(a.of("conflict")).toContainEqual(
      expect.objectContaining({
        link: "A-B",
        peer: b.handle.nodeId,
        version: "1.0.0",
        digest: shortOf(other),
      }),
    );
    expect(b.of("conflict")).toContainEqual(
      expect.objectContaining({ link: "B-A", peer: a.handle.nodeId, version: "1.0.0", digest: shortOf(one) }),
    );
    expect(stage.seen(undefined, "offer", "accept", "image")).toEqual([]);
  });
});

describe("the board that would receive an update decides", () => {
  it.each([
    ["its policy is never", "ab", { policy: { update: "never", allowSingle: false } }],
    ["it has one slot, and no leave to overwrite it", "single", {}],
    ["its own image is on trial", "ab", { confirms: false }],
  ] as const)(
    "F2.9: where %s it takes nothing, from a board or a provider, and erases nothing",
    async (why, layout, duties) => {
      const stage = new Stage();
      const isTrial = why.includes("trial");
      const [ab, ba] = stage.wire("A", "B");
      const [pb, bp] = stage.wire("P", "B");
      const board = stage.board({ image: imageOf("1.0.0"), layout });
      const b = stage.node(board, [ba, bp], duties);
      if (isTrial) {
        const installed = b.handle.install(imageOf("1.1.0", { confirm: "by-app" }), "a file");
        await inVirtualTime(stage.clock, installed);
      }
      const runs = isTrial ? "1.1.0" : "1.0.0";
      const erases = board.nor.counters.erases;
      const newest = imageOf("1.2.0");
      stage.node(stage.board({ image: newest }), [ab]);
      stage.provider([pb], { repository: fixedRepository([newest]) });
      await stage.pass(LONG_MS);
      expect(board.nor.counters.erases).toBe(erases);
      expect(stage.seen("A-B", "image")).toEqual([]);
      expect(stage.seen("P-B", "image")).toEqual([]);
      expect(b.boots).toBe(runs);
      expect(stage.sightings.filter(({ kind, from }) => kind === "accept" && from.startsWith("B-"))).toEqual(
        [],
      );
      // The provider did offer, and was told no, or later.
      expect(stage.seen("P-B", "offer").length).toBeGreaterThan(0);
      expect(stage.seen("B-P", isTrial ? "defer" : "refuse").length).toBeGreaterThan(0);
    },
  );
});
