import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { queryStatus, type StatusReport } from "../../src/node/status-query.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { inVirtualTime } from "../support/virtual-time.ts";
import { imageOf, Stage, shortOf } from "./stage.ts";

async function statusAt(stage: Stage, link: Transport): Promise<StatusReport> {
  const signal = new AbortController().signal;
  return await inVirtualTime(stage.clock, queryStatus({ link, timeoutMs: 5_000, signal, ...stage.edges }));
}

describe("a board's status", () => {
  it("F1.1 C6: has the version of its firmware, in the answer of a healthy board to a query", async () => {
    const stage = new Stage();
    const image = imageOf("1.4.2");
    const [near, tool] = stage.wire("A", "tool");
    const node = stage.node(stage.board({ image }), [near]);
    // By then it speaks rarely without being asked.
    await stage.pass(60_000);
    const { peer } = await statusAt(stage, tool);
    expect(peer).toMatchObject({
      nodeId: node.handle.nodeId,
      role: "target",
      isBootable: true,
      version: "1.4.2",
      installedDigest: shortOf(image),
    });
    expect(stage.seen("tool-A", "query").length).toBeGreaterThan(0);
  });

  it.each([
    ["empty", false],
    ["hash", true],
  ] as const)("F1.2 C2: says that the board does not boot, and why: %s", async (failure, isDamaged) => {
    const stage = new Stage();
    const board = stage.board(isDamaged ? { image: imageOf("1.0.0") } : {});
    if (isDamaged) stage.damage(board);
    const [near, tool] = stage.wire("A", "tool");
    stage.node(board, [near]);
    const { peer } = await statusAt(stage, tool);
    expect(peer).toMatchObject({ role: "target", isBootable: false, failure });
  });

  it("C1 C23 §57: is given to every neighbour, and each neighbour's is received, without a query of a person", async () => {
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B");
    const [bc, cb] = stage.wire("B", "C");
    const image = imageOf("1.0.0");
    const [a, b, c] = [
      stage.node(stage.board({ image }), [ab]),
      stage.node(stage.board({ image }), [ba, bc]),
      stage.node(
        stage.board({ image: imageOf("2.3.0", { hardwareClass: "valve" }), hardwareClass: "valve" }),
        [cb],
      ),
    ];
    await stage.pass(3_000);
    const heard = (node: typeof a): string[] =>
      node
        .of("neighbour")
        .map(({ link, peer, version, bootable }) => `${link} ${peer.slice(0, 2)} ${version} ${bootable}`);
    expect(new Set(heard(a))).toEqual(new Set(["A-B 02 1.0.0 true"]));
    expect(new Set(heard(b))).toEqual(new Set(["B-A 01 1.0.0 true", "B-C 03 2.3.0 true"]));
    expect(new Set(heard(c))).toEqual(new Set(["C-B 02 1.0.0 true"]));
  });
});

describe("a node whose board does not boot", () => {
  it("F1.3: starts as a recovery node, and begins to call by itself within two seconds", async () => {
    const stage = new Stage();
    const board = stage.board({ image: imageOf("1.0.0") });
    stage.damage(board);
    const [near] = stage.wire("A", "B");
    const node = stage.node(board, [near]);
    // It listens for 1.5 s first, as a neighbour that was switched on with it may count down.
    await stage.pass(2_000);
    expect(node.of("role")).toEqual([expect.objectContaining({ link: "A-B", role: "target" })]);
    const [call] = stage.seen("A-B", "distress");
    expect(call?.message).toMatchObject({ failure: "hash", nodeId: board.parts.identity.nodeId });
    expect(node.started).toEqual([]);
  });

  it("F3.1: calls on all of its links", async () => {
    const stage = new Stage();
    const ends = ["A", "B", "C"].map((name) => stage.wire("X", name)[0]);
    const node = stage.node(stage.board(), ends);
    await stage.pass(1_000);
    for (const name of ["A", "B", "C"]) {
      const calls = stage.seen(`X-${name}`, "distress");
      expect(calls.length).toBeGreaterThan(1);
      expect(calls[0]?.message).toMatchObject({ failure: "empty" });
    }
    expect(node.of("distress").map(({ peer }) => peer)).toContain(toHex(node.board.parts.identity.nodeId));
  });
});
