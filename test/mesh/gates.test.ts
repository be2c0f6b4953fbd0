import { beforeEach, describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { type GateOptions, Gates } from "../../src/mesh/gates.ts";
import { HOPS_MAX } from "../../src/mesh/gossip.ts";
import { type NodeAction, NodeMachine } from "../../src/mesh/node-machine.ts";
import { SUSPECT_MS, SUSPECT_UNPROVEN_MS } from "../../src/mesh/suspects.ts";
import type { ImageWord } from "../../src/wire/messages.ts";
import { beacon, distress, drain, id, image, neighbour, offer, ownBoard } from "./support.ts";

const HOUR: Millis = 3_600_000;
const LINKS = [0, 1, 2];
const NEW = image(2).digest;

let gates: Gates;
let machine: NodeMachine;

function create(options: GateOptions = {}): void {
  gates = new Gates(0, id(1), LINKS.length, 1, { ringTimeMs: HOUR, ...options });
  const policy = { update: "auto", allowSingle: false } as const;
  const random = new SeededRandom(1);
  machine = new NodeMachine({ random, nodeId: id(1), policy, fanOut: 1, links: 3, gates });
  machine.handleBoard(0, ownBoard(1));
  for (const link of LINKS) machine.handleLinkUp(0, link, true);
  actions();
}

beforeEach(() => create());

function actions(): NodeAction[] {
  return drain(() => machine.pollAction());
}

function suspect(origin: number, digest: Uint8Array = NEW): ImageWord {
  return { tag: "suspect", originId: id(origin), digest, failures: 1, ageMinutes: 0, hops: HOPS_MAX };
}

function confirmed(origin: number, hops = HOPS_MAX): ImageWord {
  return { tag: "confirmed", originId: id(origin), digest: NEW, ring: 0, hops };
}

/** What is said on each link until then, as "link tag hops". */
function said(until: Millis): string[] {
  const words: string[] = [];
  for (let now = 0; now <= until; now += 1_000)
    for (const { link, advice } of gates.takeWords(now, LINKS))
      words.push(`${link} ${advice.tag} ${advice.hops}`);
  return [...new Set(words)];
}

/** A neighbour on link 0 that runs the newer image, known for a while. */
function hearNewer(now: Millis = 0): void {
  machine.handleHeard(now, 0, beacon(5, 2));
  machine.handleHeard(now + 1_000, 0, beacon(5, 2));
}

describe("the gates of a node", () => {
  it("take a word without a proof for its own link, and tell nobody else", () => {
    expect(gates.handleAdvice(0, 1, suspect(5), "none")).toEqual({
      tag: "suspect",
      digest: NEW,
      forMs: SUSPECT_UNPROVEN_MS,
      isProven: false,
    });
    expect(LINKS.map((link) => gates.heldUpMs(0, link, NEW))).toEqual([0, SUSPECT_UNPROVEN_MS, 0]);
    expect(said(HOUR)).toEqual([]);
  });

  it("take a word with a proof for all links, and pass it on to the others, once", () => {
    expect(gates.handleAdvice(0, 1, suspect(5), "good")).toMatchObject({ forMs: SUSPECT_MS, isProven: true });
    expect(gates.handleAdvice(0, 2, suspect(5), "good")).toBeUndefined();
    expect(LINKS.map((link) => gates.heldUpMs(0, link, NEW))).toEqual([SUSPECT_MS, SUSPECT_MS, SUSPECT_MS]);
    expect(said(HOUR)).toEqual([`0 suspect ${HOPS_MAX - 1}`, `2 suspect ${HOPS_MAX - 1}`]);
  });

  it("take no word with a wrong proof, and one of each kind a minute from a link", () => {
    expect(gates.handleAdvice(0, 1, suspect(5), "wrong")).toBeUndefined();
    expect(gates.heldUpMs(0, 1, NEW)).toBe(0);
    expect(gates.handleAdvice(0, 1, suspect(5, id(80)), "none")).toBeDefined();
    expect(gates.handleAdvice(59_999, 1, suspect(5), "none")).toBeUndefined();
    expect(gates.handleAdvice(60_000, 1, suspect(5), "none")).toBeDefined();
  });

  it("let the time of a ring run from the first word on, and pass that on whether it is proven or not", () => {
    gates.handleAdvice(0, 1, confirmed(5, 200), "none");
    expect(said(HOUR)).toEqual([`0 confirmed ${HOPS_MAX - 1}`, `2 confirmed ${HOPS_MAX - 1}`]);
    expect(gates.rollout.noteManifest(HOUR, NEW, 3)).toBe(2 * HOUR);
  });

  it("say what failed on the own board, and what was proven there", () => {
    gates.noteFailed(0, NEW, 1);
    gates.noteConfirmed(0, image(3).digest, 2);
    expect(gates.heldUpMs(0, 0, NEW)).toBe(SUSPECT_MS);
    expect(said(10_000).sort()).toEqual(
      LINKS.flatMap((link) => [`${link} confirmed ${HOPS_MAX}`, `${link} suspect ${HOPS_MAX}`]),
    );
  });

  it("hold an image up for an hour with which a neighbour seems to have failed, and tell nobody", () => {
    create({ soakMs: HOUR });
    gates.handleUpdated(0, id(5), NEW, image(2));
    expect(gates.handleNeighbour(1_000, neighbour(5, 1), false)).toMatchObject({ isProven: false });
    expect(LINKS.map((link) => gates.heldUpMs(1_000, link, NEW))).toEqual([HOUR, HOUR, HOUR]);
    expect(said(HOUR)).toEqual([]);
  });

  it("do none of that for a node that heeds no suspicion", () => {
    create({ heedsSuspects: false });
    gates.handleAdvice(0, 1, suspect(5), "good");
    gates.noteFailed(0, NEW, 1);
    gates.handleUpdated(0, id(5), NEW, image(2));
    gates.handleNeighbour(1_000, neighbour(5, 1), false);
    expect(gates.heldUpMs(0, 1, NEW)).toBe(0);
    expect(said(HOUR)).toEqual([]);
  });

  it("hold updates up and never heals", () => {
    create({ soakMs: HOUR });
    const own = image(1).digest;
    expect(gates.holdUp(0, 0, "update", [], own)).toBeUndefined();
    gates.handleUpdated(0, id(5), own, image(1));
    expect(gates.holdUp(0, 0, "update", [], own)).toEqual({ tag: "wait", why: "soak" });
    expect(gates.holdUp(HOUR, 0, "update", [], own)).toBeUndefined();
    gates.noteFailed(HOUR, own, 1);
    expect(gates.holdUp(HOUR, 0, "update", [], own)).toEqual({ tag: "wait", why: "suspect" });
    expect(gates.holdUp(HOUR, 0, "heal", [], own)).toBeUndefined();
  });
});

describe("a node machine with gates", () => {
  it("asks for an image whose manifest it does not know, and after a defer when its ring is due", () => {
    hearNewer();
    expect(machine.asks?.digest).toEqual(NEW);
    gates.rollout.noteManifest(1_500, NEW, 2);
    machine.handleDeferred(1_500, 0, NEW);
    expect(machine.asks).toBeUndefined();
    machine.handleHeard(2 * HOUR, 0, beacon(5, 2));
    machine.handleTimeout(2 * HOUR);
    expect(machine.asks).toBeUndefined();
    // It was heard of with its second beacon.
    expect(machine.pollTimeout(2 * HOUR)).toBe(2 * HOUR + 1_000);
    machine.handleTimeout(2 * HOUR + 1_000);
    expect(machine.asks?.digest).toEqual(NEW);
  });

  it("holds it against a neighbour when the image that is deferred is not the one that it says it runs", () => {
    hearNewer();
    machine.handleDeferred(1_500, 0, id(77));
    expect(machine.asks).toBeUndefined();
    machine.handleHeard(50_000, 0, beacon(5, 2));
    expect(machine.asks).toBeUndefined();
    machine.handleTimeout(61_500);
    expect(machine.asks?.digest).toEqual(NEW);
  });

  it("gives an ask up when the image becomes suspect, and asks again when that is over", () => {
    hearNewer();
    actions();
    machine.handleAdvice(2_000, 0, suspect(5), "none");
    expect(machine.asks).toBeUndefined();
    expect(actions().map(({ tag }) => tag)).toEqual(["suspect", "role", "announce"]);
    machine.handleHeard(HOUR, 0, beacon(5, 2));
    expect(machine.asks).toBeUndefined();
    expect(machine.pollTimeout(HOUR)).toBeLessThanOrEqual(2_000 + SUSPECT_UNPROVEN_MS);
    machine.handleTimeout(2_000 + SUSPECT_UNPROVEN_MS);
    expect(machine.asks?.digest).toEqual(NEW);
  });

  it("asks another neighbour meanwhile, of whose link nobody said that", () => {
    hearNewer();
    machine.handleAdvice(2_000, 0, suspect(5), "none");
    machine.handleHeard(3_000, 1, beacon(6, 2));
    machine.handleHeard(4_000, 1, beacon(6, 2));
    expect(machine.asks?.link).toBe(1);
  });

  it("is led to nothing by a suspicion: with nobody newer it asks nobody, and calls for help when it has to", () => {
    machine.handleAdvice(0, 0, suspect(5, image(1).digest), "good");
    expect(machine.asks).toBeUndefined();
    machine.handleBoard(1_000, ownBoard(1, { failure: "hash" }));
    expect(actions().filter((action) => action.tag === "role" && action.role === "call")).toHaveLength(3);
  });

  it("takes an invitation later: for the ring, for a suspicion, while its own image is on trial or soaks", () => {
    const deferralOf = (now: Millis): unknown => {
      machine.handleInvitation(now, 0, offer(9, 2));
      const declined = actions().find(({ tag }) => tag === "decline");
      return declined?.tag === "decline" ? (declined.deferral ?? "refused") : undefined;
    };
    gates.rollout.noteManifest(0, NEW, 1);
    expect(deferralOf(0)).toEqual({ reason: "ring", forMs: HOUR });
    gates.handleAdvice(0, 0, suspect(5), "good");
    expect(deferralOf(0)).toEqual({ reason: "soak", forMs: SUSPECT_MS });
    machine.handleBoard(0, ownBoard(1, { isTrial: true }));
    expect(deferralOf(0)).toEqual({ reason: "trial", forMs: 60_000 });
    machine.handleBoard(0, { ...ownBoard(1, { isTrial: true }), soakLeftMs: 5_000 });
    expect(deferralOf(0)).toEqual({ reason: "soak", forMs: 5_000 });
    // Who takes no updates at all says no.
    machine.handleBoard(0, { ...ownBoard(1), layout: "single" });
    expect(deferralOf(0)).toBe("refused");
  });

  it("lets a neighbour wait for the soak time, and calls it when that is over", () => {
    create({ soakMs: HOUR });
    machine.handleUpdated(0, id(5), image(1).digest);
    expect(machine.admit(1_000, 1, "update")).toEqual({ tag: "wait", why: "soak" });
    expect(machine.admit(1_000, 2, "heal")).toEqual({ tag: "now" });
    machine.handleHeard(1_000, 2, distress(6));
    actions();
    machine.handleTimeout(HOUR);
    expect(actions().some((action) => action.tag === "announce" && action.link === 1)).toBe(true);
    expect(machine.admit(HOUR, 1, "update")).toEqual({ tag: "now" });
  });
});
