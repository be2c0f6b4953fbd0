import { beforeEach, describe, expect, it } from "vitest";
import { Link } from "../../../src/link/link.ts";
import type { DescentPlan } from "../../../src/session/target/descent-plan.ts";
import { Swarm } from "../../../src/session/target/swarm.ts";
import { TreeDescent } from "../../../src/session/target/tree-descent.ts";

const plan = (digest: number): DescentPlan => ({
  ...{ digest: new Uint8Array(8).fill(digest), size: 8192, blockSize: 4096, leafCount: 2 },
});
const link = (): Link => new Link({ baud: 115_200, rtoFloorMs: 10 });

let swarm: Swarm;

beforeEach(() => {
  swarm = new Swarm();
});

/** A session that takes part. */
function session(digest: number): TreeDescent {
  const made = plan(digest);
  return new TreeDescent(made, { nodes: [], blocks: [] }, 4, undefined, undefined, swarm.ledgerFor(made));
}

describe("the sessions of one board", () => {
  it("share a ledger for one image, as long as one of them takes part", () => {
    const [a, b] = [session(1), session(1)];
    expect(b.ledger).toBe(a.ledger);
    expect(swarm.ledgerOf(plan(1).digest)).toBe(a.ledger);
    expect(swarm.ledgerOf(plan(2).digest)).toBeUndefined();
    a.leave();
    expect(swarm.ledgerOf(plan(1).digest)).toBe(a.ledger);
    b.leave();
    expect(swarm.ledgerOf(plan(1).digest)).toBeUndefined();
    expect(session(1).ledger).not.toBe(a.ledger);
  });

  it.each(["committed", "failed"] as const)("share none that was %s", (state) => {
    session(1).ledger.noteCommitted(state);
    expect(swarm.ledgerOf(plan(1).digest)).toBeUndefined();
  });
});

describe("a link whose sessions bring nothing", () => {
  it("is left out after the second one, for longer each time, whatever id its rescuer has", () => {
    const [bad, good] = [link(), link()];
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 10; i++) {
      swarm.noteEnd(now, bad, true);
      let waited = 0;
      while (!swarm.mayJoin(now + waited, bad)) waited += 1_000;
      waits.push(waited / 1_000);
      now += waited;
    }
    expect(waits).toEqual([0, 10, 20, 40, 80, 160, 320, 640, 640, 640]);
    expect(swarm.mayJoin(now, good)).toBe(true);
  });

  it("is taken again once one brought a block", () => {
    const one = link();
    swarm.noteEnd(0, one, true);
    swarm.noteEnd(0, one, true);
    expect(swarm.mayJoin(0, one)).toBe(false);
    swarm.noteEnd(0, one, false);
    expect(swarm.mayJoin(0, one)).toBe(true);
  });
});
