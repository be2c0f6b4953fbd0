import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { type NodeAction, NodeMachine, type NodeMachineOptions } from "../../src/mesh/node-machine.ts";
import type { OwnBoard } from "../../src/mesh/own-board.ts";
import { providerBeacon } from "../../src/session/beacon.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { beacon, distress, drain, id, image, offer, ownBoard, runUntil } from "./support.ts";

const MINUTE: Millis = 60_000;
const HOUR: Millis = 3_600_000;
const ALL = { update: "auto", allowSingle: true } as const;

let machine: NodeMachine;

function create(more: Partial<NodeMachineOptions> = {}, board: OwnBoard | null = ownBoard(1)): void {
  const policy = { update: "auto", allowSingle: false } as const;
  const random = new SeededRandom(1);
  machine = new NodeMachine({ random, nodeId: id(1), policy, fanOut: 1, links: 3, ...more });
  if (board !== null) machine.handleBoard(0, board);
  for (let link = 0; link < 3; link++) machine.handleLinkUp(0, link, true);
  actions();
}

beforeEach(() => create());

function actions(): NodeAction[] {
  return drain(() => machine.pollAction());
}

function roles(): string[] {
  actions();
  return [0, 1, 2].map((link) => machine.roleOn(link));
}

function tags(): string[] {
  return actions().map((action) => ("link" in action ? `${action.tag} ${action.link}` : action.tag));
}

/** A neighbour is heard twice, a second apart; the time of the second beacon. */
function establish(now: Millis, link: number, said: Beacon): Millis {
  machine.handleHeard(now, link, said);
  machine.handleHeard(now + 1_000, link, said);
  return now + 1_000;
}

/** Calls handleTimeout whenever that is due, and does nothing else; how often. */
function idle(from: Millis, until: Millis): number {
  const step = (now: Millis): void => {
    machine.handleTimeout(now);
    actions();
  };
  return runUntil(until, (now) => machine.pollTimeout(now), step, from);
}

describe("a node machine", () => {
  it("watches on all links and says its status on each that comes up", () => {
    machine = new NodeMachine({
      random: new SeededRandom(1),
      nodeId: id(1),
      policy: ALL,
      fanOut: 1,
      links: 3,
    });
    machine.handleBoard(0, ownBoard(1));
    expect(tags()).toEqual([]);
    machine.handleLinkUp(0, 1, true);
    expect(tags()).toEqual(["announce 1"]);
    expect(roles()).toEqual(["idle", "idle", "idle"]);
  });

  it("calls on all links when its board does not boot, and watches and says so when it does again", () => {
    machine.handleBoard(0, ownBoard(1, { failure: "hash" }));
    expect(tags()).toEqual(["role 0", "role 1", "role 2"]);
    expect(roles()).toEqual(["call", "call", "call"]);
    machine.handleBoard(100, ownBoard(1));
    expect(tags()).toEqual(["role 0", "announce 0", "role 1", "announce 1", "role 2", "announce 2"]);
    expect(roles()).toEqual(["idle", "idle", "idle"]);
  });

  it("asks the neighbour that runs something newer, on its link alone (F1.12, C10)", () => {
    establish(0, 2, beacon(7, 2));
    expect(roles()).toEqual(["idle", "idle", "ask"]);
    expect(machine.asks).toEqual({ link: 2, nodeId: id(7), digest: image(2).digest, since: 1_000 });
    expect([0, 1, 2].map((link) => machine.engagementOn(link))).toEqual(["none", "none", "none"]);
  });

  it("has its ask served, and says on all links that it runs the new image", () => {
    establish(0, 2, beacon(7, 2));
    actions();
    machine.handleEngaged(2_000, 2, "target");
    machine.handleBoard(8_000, ownBoard(2, { isTrial: true }));
    expect(machine.asks).toBeUndefined();
    expect(tags()).toEqual(["announce 0", "announce 1"]);
    machine.handleEngaged(8_000, 2, "none");
    expect(tags()).toEqual(["role 2", "announce 2"]);
  });

  it("is done with its ask also when it got a newer image than the one it asked for", () => {
    establish(0, 2, beacon(7, 2));
    machine.handleEngaged(2_000, 2, "target");
    machine.handleBoard(8_000, ownBoard(5));
    machine.handleEngaged(8_000, 2, "none");
    expect([machine.asks, ...roles()]).toEqual([undefined, "idle", "idle", "idle"]);
  });

  it("without a board calls nobody, asks nobody and says nothing, but serves", () => {
    create({}, null);
    machine.handleInvitation(0, 0, offer(7, 2));
    establish(0, 0, beacon(7, 2));
    expect(roles()).toEqual(["idle", "idle", "idle"]);
    expect(machine.admit(0, 0, "update")).toEqual({ tag: "now" });
    const before = machine.neighbours.all().length;
    idle(0, HOUR);
    expect([before, machine.asks]).toEqual([1, undefined]);
  });
});

describe("a node machine among neighbours", () => {
  it("tells of each neighbour that says something new, and of none that says the same", () => {
    machine.handleHeard(0, 0, beacon(7, 1));
    expect(tags()).toEqual(["neighbour"]);
    machine.handleHeard(10, 0, beacon(7, 1));
    expect(tags()).toEqual([]);
    machine.handleHeard(20, 0, beacon(7, 1, { isTrial: true }));
    expect(tags()).toEqual(["neighbour"]);
  });

  it("names a conflict with a neighbour of equal order and another image, and never asks it (F2.8)", () => {
    establish(0, 0, beacon(7, 1, { installedDigest: image(1, 1).digest }));
    expect(tags()).toEqual(["neighbour", "conflict"]);
    expect(roles()).toEqual(["idle", "idle", "idle"]);
  });

  it("names the conflict also when its own board comes to run an image of the same order", () => {
    establish(0, 0, beacon(7, 2, { installedDigest: image(2, 1).digest, isTrial: true }));
    actions();
    machine.handleBoard(2_000, ownBoard(2));
    expect(tags()).toContain("conflict");
  });

  it("tells of an id that is on two links with two boot nonces in turn", () => {
    machine.handleHeard(0, 0, beacon(7, 1, {}, 1));
    machine.handleHeard(10, 1, beacon(7, 1, {}, 2));
    machine.handleHeard(20, 0, beacon(7, 1, {}, 1));
    expect(tags()).toContain("copied 0");
  });

  it("does not ask over a link that is down, and ends its ask when the link goes down", () => {
    const now = establish(0, 0, beacon(7, 2));
    expect(roles()).toEqual(["ask", "idle", "idle"]);
    machine.handleLinkUp(now, 0, false);
    expect([machine.asks, ...roles()]).toEqual([undefined, "idle", "idle", "idle"]);
    // Nothing is held against the neighbour.
    machine.handleLinkUp(now, 0, true);
    expect(roles()).toEqual(["ask", "idle", "idle"]);
  });

  it("neither calls nor asks while an image is installed on its board", () => {
    establish(0, 0, beacon(7, 2));
    machine.setHeld(1_000, true);
    expect([machine.asks, ...roles()]).toEqual([undefined, "idle", "idle", "idle"]);
    machine.handleBoard(1_000, ownBoard(1, { failure: "receiving" }));
    expect(roles()).toEqual(["idle", "idle", "idle"]);
    machine.setHeld(2_000, false);
    expect(roles()).toEqual(["call", "call", "call"]);
  });

  it("does not ask any more once its board is on trial, or does not boot", () => {
    const now = establish(0, 0, beacon(7, 2));
    machine.handleBoard(now, ownBoard(1, { isTrial: true }));
    expect(machine.asks).toBeUndefined();
    machine.handleBoard(now, ownBoard(1));
    expect(machine.asks).toBeDefined();
    machine.handleBoard(now, ownBoard(1, { failure: "hash" }));
    expect([machine.asks, ...roles()]).toEqual([undefined, "call", "call", "call"]);
  });

  it("asks its neighbour no more for 60 s after that had nothing, and then again", () => {
    const now = establish(0, 0, beacon(7, 2));
    machine.handleRefused(now, 0, id(7));
    expect(roles()).toEqual(["idle", "idle", "idle"]);
    idle(now, now + 59_000);
    expect(machine.asks).toBeUndefined();
    idle(now + 59_000, now + MINUTE);
    expect(machine.asks?.since).toBe(now + MINUTE);
  });

  it("ends its ask in a session only when that neighbour's image was refused", () => {
    establish(0, 0, beacon(7, 2));
    machine.handleRefused(1_000, 1, id(7));
    machine.handleRefused(1_000, 0, id(8));
    machine.handleEngaged(2_000, 0, "target");
    machine.handleRefused(2_000, 0);
    expect(machine.asks).toBeDefined();
    machine.handleRefused(2_000, 0, id(7));
    machine.handleEngaged(2_000, 0, "none");
    expect([machine.asks, ...roles()]).toEqual([undefined, "idle", "idle", "idle"]);
  });
});

describe("a node machine that serves", () => {
  it("takes its role from no link on which a neighbour is served, and asks there afterwards", () => {
    machine.handleEngaged(0, 0, "update");
    const now = establish(0, 0, beacon(7, 2));
    expect(roles()).toEqual(["idle", "idle", "idle"]);
    machine.handleEngaged(now, 0, "none");
    expect(roles()).toEqual(["ask", "idle", "idle"]);
  });

  it("keeps serving a neighbour whose call came with the beacon that made it want to ask", () => {
    establish(0, 0, beacon(7, 2));
    // The role was not exchanged yet.
    machine.handleEngaged(1_000, 0, "heal");
    expect(roles()).toEqual(["idle", "idle", "idle"]);
    machine.handleEngaged(9_000, 0, "none");
    expect(roles()).toEqual(["ask", "idle", "idle"]);
  });

  it("serves its neighbour to the end though its own board does not boot any more, and calls on the other links", () => {
    machine.handleEngaged(0, 0, "heal");
    machine.handleBoard(0, ownBoard(1, { failure: "hash" }));
    expect(roles()).toEqual(["idle", "call", "call"]);
    machine.handleEngaged(9_000, 0, "none");
    expect(roles()).toEqual(["call", "call", "call"]);
  });

  it("stops asking on a link on which a board calls for help, and asks there again after a minute", () => {
    const now = establish(0, 0, beacon(7, 2));
    expect(roles()).toEqual(["ask", "idle", "idle"]);
    machine.handleHeard(now, 0, distress(8));
    expect(roles()).toEqual(["idle", "idle", "idle"]);
    idle(now, now + MINUTE);
    expect(roles()).toEqual(["ask", "idle", "idle"]);
  });

  it("does not stop for a board that is served over another link, or on another link", () => {
    const now = establish(0, 0, beacon(7, 2));
    machine.handleHeard(now, 0, distress(8, { isServed: true }));
    machine.handleHeard(now, 1, distress(8));
    expect(roles()).toEqual(["ask", "idle", "idle"]);
  });

  it("says its status to a neighbour whose update had to wait, once there is time", () => {
    machine.handleEngaged(0, 0, "update");
    expect(machine.admit(0, 1, "update")).toEqual({ tag: "wait", why: "fan-out" });
    expect(machine.admit(0, 2, "heal")).toEqual({ tag: "now" });
    expect(tags()).toEqual([]);
    machine.handleEngaged(5_000, 0, "none");
    expect(tags()).toEqual(["announce 1"]);
    machine.handleEngaged(6_000, 2, "heal");
    machine.handleEngaged(7_000, 2, "none");
    expect(tags()).toEqual([]);
  });

  it("with one slot serves no update while it is about to overwrite its image, and asks nobody while it serves", () => {
    create({ policy: ALL }, ownBoard(1, {}, "single"));
    let now = establish(0, 0, beacon(7, 2));
    expect(machine.admit(0, 1, "update")).toEqual({ tag: "wait", why: "fan-out" });
    idle(now, now + 4_000);
    expect(machine.asks).toBeDefined();
    now += 4_000;
    machine.handleEngaged(now, 1, "heal");
    expect([machine.asks, ...roles()]).toEqual([undefined, "idle", "idle", "idle"]);
    idle(now, now + MINUTE);
    expect(machine.asks).toBeUndefined();
    machine.handleEngaged(now + MINUTE, 1, "none");
    idle(now + MINUTE, now + MINUTE + 4_000);
    expect(machine.asks).toBeDefined();
  });
});

describe("an invitation", () => {
  it("makes a board whose policy allows it ask for the image", () => {
    machine.handleInvitation(0, 1, offer(7, 2));
    expect(tags()).toEqual(["role 1"]);
    expect(machine.asks).toMatchObject({ link: 1, nodeId: id(7), digest: image(2).digest });
  });

  it.each([
    ["may never ask", { policy: { update: "never", allowSingle: true } } as const, ownBoard(1)],
    ["has one slot without its owner's leave", {}, ownBoard(1, {}, "single")],
    ["is on trial", {}, ownBoard(1, { isTrial: true })],
    ["has that very image", {}, ownBoard(2)],
  ])("is declined by a board that %s", (_, options, board) => {
    create(options, board);
    machine.handleInvitation(0, 1, offer(7, 2));
    expect(tags()).toEqual(["decline 1"]);
    expect(roles()).toEqual(["idle", "idle", "idle"]);
  });

  it("makes a board with one slot claim its turn first", () => {
    create({ policy: ALL }, ownBoard(1, {}, "single"));
    machine.handleInvitation(0, 1, offer(7, 2));
    expect(actions()).toContainEqual({ tag: "claim", isOn: true });
    idle(0, 4_000);
    expect(machine.asks?.since).toBe(4_000);
  });

  it("that brings nothing is declined after that for a minute and then for longer, under whatever id", () => {
    const asked: Millis[] = [];
    for (let now = 0; now < HOUR; now += 250) {
      machine.handleInvitation(now, 1, offer(100 + now, 2));
      machine.handleTimeout(now);
      actions();
      if (machine.asks?.since === now) asked.push(now);
    }
    expect(asked.length).toBe(7);
    expect(machine.admit(0, 0, "update").tag).toBe("now");
  });
});

describe("an attacker on one wire", () => {
  /** Attacks on link 0 for an hour, twice a second; the share of the time for which the board asked there. */
  function attack(say: (now: Millis) => void): number {
    let asking = 0;
    for (let now = 0; now < HOUR; now += 500) {
      say(now);
      machine.handleTimeout(now);
      actions();
      if (machine.asks?.link === 0) asking++;
    }
    return asking / (HOUR / 500);
  }

  it("that invents an id for each newer version is not asked at all", () => {
    expect(attack((now) => machine.handleHeard(now, 0, beacon(1_000 + now, 9)))).toBe(0);
  });

  it("that keeps invented ids for long is asked by each a few times an hour, and never instead of a neighbour", () => {
    let served: Millis | undefined;
    const share = attack((now) => {
      machine.handleHeard(now, 0, beacon(100 + ((now / 500) % 8), 9 + now));
      if (now % 10_000 === 0) machine.handleHeard(now, 1, beacon(7, 2));
      if (machine.asks?.link === 1) served ??= now;
    });
    expect(share).toBeLessThan(1);
    // Each of the eight that stand in the table is asked before it at most once.
    expect(served).toBeLessThan(8 * 12_000 + 12_000);
  });

  it("leaves the honest neighbour on its own wire its turn", () => {
    let served: Millis | undefined;
    machine.handleHeard(-2_000, 0, beacon(7, 2));
    machine.handleHeard(-1_000, 0, beacon(7, 2));
    attack((now) => {
      machine.handleHeard(now, 0, beacon(1_000 + now, 9));
      machine.handleHeard(now, 0, beacon(100 + ((now / 500) % 7), 9 + now));
      if (Buffer.from(machine.asks?.nodeId ?? []).equals(id(7))) served ??= now;
    });
    expect(served).toBeLessThan(MINUTE);
  });

  it("does not keep the board from a neighbour in distress on another link, or make it call", () => {
    attack((now) => {
      machine.handleHeard(now, 0, distress(1_000 + now));
      expect(machine.admit(0, 1, "heal")).toEqual({ tag: "now" });
      expect([machine.roleOn(1), machine.roleOn(2)]).toEqual(["idle", "idle"]);
    });
  });

  it("makes the board say its status at most six times a minute on that link, and not more on others", () => {
    const said = [0, 0, 0];
    for (let now = 0; now < HOUR; now += 500) {
      machine.handleHeard(now, 0, beacon(1_000 + now, 1));
      machine.handleTimeout(now);
      for (const action of actions())
        if (action.tag === "announce") said[action.link] = (said[action.link] ?? 0) + 1;
    }
    expect(said[0]).toBeLessThanOrEqual(6 * 60 + 6);
    expect(said[1]).toBeLessThanOrEqual(14);
  });
});

describe("the time for which a node machine asks", () => {
  it("is never one at which there is nothing to do", () => {
    create({ policy: ALL }, ownBoard(1, {}, "single"));
    establish(0, 0, beacon(7, 2));
    machine.handleHeard(1_500, 1, distress(8));
    // Two waits of ten seconds each, a claim, asks of 12 s: some hundred calls.
    expect(idle(1_500, HOUR)).toBeLessThan(400);
    machine.handleHeard(HOUR, 0, providerBeacon(id(9), id(1)));
    machine.setHeld(HOUR, true);
    expect(idle(HOUR, 2 * HOUR)).toBeLessThan(400);
    machine.setHeld(2 * HOUR, false);
    machine.handleEngaged(2 * HOUR, 0, "target");
    expect(idle(2 * HOUR, 3 * HOUR)).toBeLessThan(400);
  });

  it("does not stand still while an ask is served for hours", () => {
    const now = establish(0, 0, beacon(7, 2));
    actions();
    machine.handleEngaged(now, 0, "target");
    expect(idle(now, 3 * HOUR)).toBeLessThan(200);
    machine.handleEngaged(3 * HOUR, 0, "none");
    expect(machine.pollTimeout(3 * HOUR)).toBeLessThanOrEqual(3 * HOUR + 12_000);
  });
});
