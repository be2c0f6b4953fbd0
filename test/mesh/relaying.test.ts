import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { type NodeAction, NodeMachine } from "../../src/mesh/node-machine.ts";
import { Relaying } from "../../src/mesh/relaying.ts";
import { drain, id, image, offer, ownBoard, runUntil } from "./support.ts";

const DIGEST = image(3).digest;
const SERVED = ownBoard(1, { failure: "receiving" });

let machine: NodeMachine;

/** A board with three links that does not boot, and is served over the second one. */
function served(more: { readonly cutThrough?: boolean } = {}): NodeMachine {
  const policy = { update: "auto", allowSingle: false } as const;
  const made = new NodeMachine({
    random: new SeededRandom(1),
    nodeId: id(1),
    policy,
    fanOut: 1,
    links: 3,
    ...more,
  });
  made.handleBoard(0, ownBoard(1, { failure: "empty" }));
  for (let link = 0; link < 3; link++) made.handleLinkUp(0, link, true);
  drain(() => made.pollAction());
  made.handleEngaged(10, 1, "target");
  return made;
}

beforeEach(() => {
  machine = served();
});

const actions = (): NodeAction[] => drain(() => machine.pollAction());

function roles(): string[] {
  actions();
  return [0, 1, 2].map((link) => machine.roleOn(link));
}

/** Lets time pass; how often the status was said on link 0. */
function announcements(from: Millis, until: Millis): number {
  let count = 0;
  const step = (now: Millis): void => {
    machine.handleTimeout(now);
    count += actions().filter((action) => action.tag === "announce" && action.link === 0).length;
  };
  runUntil(until, (now) => machine.pollTimeout(now), step, from);
  return count;
}

describe("a board that is served over one of its links", () => {
  it("calls on the others until the manifest is accepted, and then serves there and says at once that it is served", () => {
    expect(roles()).toEqual(["call", "call", "call"]);
    machine.handleReceiving(20, 1, DIGEST);
    machine.handleBoard(20, SERVED);
    const told = actions().map((action) => ("link" in action ? `${action.tag} ${action.link}` : action.tag));
    expect(told).toEqual(["role 0", "announce 0", "role 2", "announce 2"]);
    expect(roles()).toEqual(["idle", "call", "idle"]);
    expect(machine.isReceiving).toBe(true);
  });

  it("says so again every 30 s, and nothing else unasked", () => {
    machine.handleReceiving(20, 1, DIGEST);
    machine.handleBoard(20, SERVED);
    actions();
    expect(announcements(20, 29_000)).toBe(0);
    expect(announcements(29_000, 301_000)).toBe(10);
  });

  it("calls on all links again when its session is over and it does not boot", () => {
    machine.handleReceiving(20, 1, DIGEST);
    machine.handleBoard(20, SERVED);
    actions();
    machine.handleEngaged(5_000, 1, "none");
    expect(roles()).toEqual(["call", "call", "call"]);
    expect(machine.isReceiving).toBe(false);
  });

  it("keeps a board that it serves then, and calls on the others", () => {
    machine.handleReceiving(20, 1, DIGEST);
    machine.handleBoard(20, SERVED);
    actions();
    machine.handleEngaged(100, 2, "heal");
    machine.handleEngaged(5_000, 1, "none");
    expect(roles()).toEqual(["call", "call", "idle"]);
    machine.handleEngaged(9_000, 2, "none");
    expect(roles()).toEqual(["call", "call", "call"]);
  });

  it("is idle on all links when it boots", () => {
    machine.handleReceiving(20, 1, DIGEST);
    machine.handleBoard(5_000, ownBoard(1));
    machine.handleEngaged(5_000, 1, "none");
    expect(roles()).toEqual(["idle", "idle", "idle"]);
  });

  it("tells a rescuer that offers it something on another link that it is served", () => {
    machine.handleReceiving(20, 1, DIGEST);
    machine.handleBoard(20, SERVED);
    actions();
    machine.handleInvitation(30, 2, offer(7, 2));
    expect(actions()).toMatchObject([{ tag: "decline", link: 2, why: "served" }]);
  });

  it("calls a rescuer on another link that offers the same image, for 6 s or until it brings a part", () => {
    machine.handleReceiving(20, 1, DIGEST);
    machine.handleBoard(20, SERVED);
    actions();
    machine.handleInvitation(30, 2, offer(7, 3));
    expect(roles()).toEqual(["idle", "call", "call"]);
    machine.handleTimeout(6_029);
    expect(roles()).toEqual(["idle", "call", "call"]);
    machine.handleTimeout(6_030);
    expect(roles()).toEqual(["idle", "call", "idle"]);
    machine.handleInvitation(7_000, 2, offer(7, 3));
    actions();
    machine.handleEngaged(7_100, 2, "target");
    machine.handleReceiving(7_150, 2, DIGEST);
    machine.handleTimeout(20_000);
    expect(roles()).toEqual(["idle", "call", "call"]);
    // One of both is enough to be served.
    machine.handleEngaged(21_000, 1, "none");
    expect([machine.isReceiving, ...roles()]).toEqual([true, "idle", "idle", "call"]);
  });

  it("does none of it when a manifest is told of that no session brought", () => {
    machine.handleReceiving(20, 0, DIGEST);
    expect(machine.isReceiving).toBe(false);
  });

  it("calls on the others for as long as it is served when it is to store and forward", () => {
    machine = served({ cutThrough: false });
    machine.handleReceiving(20, 1, DIGEST);
    machine.handleBoard(20, SERVED);
    expect(roles()).toEqual(["call", "call", "call"]);
  });
});

describe("the links over which an image comes", () => {
  it("may be several: each is another one than the others", () => {
    const relaying = new Relaying();
    expect([relaying.isOn, relaying.nextAt]).toEqual([false, undefined]);
    relaying.begin(0, 1, DIGEST);
    expect([0, 1].map((link) => relaying.isElsewhere(link))).toEqual([true, false]);
    relaying.begin(10, 0, DIGEST);
    expect([0, 1, 2].map((link) => relaying.isElsewhere(link))).toEqual([true, true, true]);
    expect([relaying.takeSaying(29_999), relaying.takeSaying(30_000), relaying.nextAt]).toEqual([
      false,
      true,
      60_000,
    ]);
    relaying.end(0);
    relaying.end(1);
    expect([relaying.isOn, relaying.nextAt, relaying.takeSaying(90_000)]).toEqual([false, undefined, false]);
  });
});
