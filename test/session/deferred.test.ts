import { describe, expect, it, vi } from "vitest";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { sayDeferral } from "../../src/node/advice-proofs.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import { Callers } from "../../src/session/rescuer/callers.ts";
import type { OfferedImage, RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../src/session/rescuer/rescuer-role.ts";
import { ServingBudget } from "../../src/session/rescuer/serving-budget.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import type { Beacon, Frame, Message, Offer } from "../../src/wire/messages.ts";
import { distressOf } from "../attacks/ghost.ts";
import { deferrals, deferringUntil } from "../support/deferring-board.ts";
import { VirtualRescue } from "../support/virtual-rescue.ts";

describe("a board that finds in the manifest that its ring is not due", () => {
  /** A rescue of a board that takes its image from some time on. */
  function healedAfter(dueMs: Millis): VirtualRescue {
    const rescue: VirtualRescue = new VirtualRescue({
      ...{ seed: 1, size: 16_384 },
      onTargetEvent: deferringUntil(dueMs, () => rescue),
    });
    expect(rescue.run(180_000)).toBe(true);
    expect(rescue.flashed).toEqual(rescue.data);
    return rescue;
  }

  it("ends the session with a defer: its rescuer waits, and offers the image again when the time is over", () => {
    const { targetEvents, rescuerEvents, clock, image } = healedAfter(20_000);
    expect(deferrals(targetEvents)).toEqual({ deferred: 1, begun: 2 });
    const waiting = rescuerEvents.filter((event) => event.tag === "waiting");
    expect(waiting).toHaveLength(1);
    expect(waiting[0]).toMatchObject({ reason: "defer", digest: image.digest.subarray(0, 8) });
    expect(waiting[0]?.forMs).toBeGreaterThan(19_000);
    expect(clock.now()).toBeGreaterThanOrEqual(20_000);
    expect(clock.now()).toBeLessThan(25_000);
    // The bye behind the defer is about a session that is over.
    expect(rescuerEvents.filter(({ tag }) => tag === "sessionLost" || tag === "refused")).toEqual([]);
  });

  it("is asked again after a minute when it said a longer time", () => {
    expect(deferrals(healedAfter(100_000).targetEvents)).toEqual({ deferred: 2, begun: 3 });
  });
});

const id = (byte: number): Uint8Array => new Uint8Array(8).fill(byte);
const BOARD = id(1);
const BOOT_NONCE = id(2);
const DISPATCHER = id(9);
const IMAGE: OfferedImage = {
  ...{ digest: id(0xa), version: { major: 2, minor: 0, patch: 0 } },
  ...{ size: 4096, blockSize: 4096, counter: 0, envelope: new Uint8Array(300) },
};

/** One end of a wire with a rescuer's role, in messages. */
class End {
  readonly events: RescuerEvent[] = [];
  readonly end: LinkEnd<RescuerEvent> = new LinkEnd<RescuerEvent>({
    ...{ baud: undefined, rtoFloorMs: 10, framing: "message" },
  });
  readonly role: RescuerRole;

  constructor(nodeId: Uint8Array, bootNonce: Uint8Array, more: { handsOut?: boolean; callers?: Callers }) {
    const options = { random: new SeededRandom(1), nodeId, bootNonce, ...more };
    this.role = this.end.exchange(0, (host) => new RescuerRole(0, host, options));
    this.end.handleLinkUp(0, true);
  }

  hear(now: Millis, message: Message): void {
    this.end.handleFrame(now, encodeMessage(message, 0));
    this.end.handleTimeout(now);
  }

  /** What it says now; its events are kept. */
  take(now: Millis): Frame[] {
    for (let event = this.end.pollEvent(); event; event = this.end.pollEvent()) this.events.push(event);
    const frames: Frame[] = [];
    for (let bytes = this.end.pollTransmit(now); bytes; bytes = this.end.pollTransmit(now)) {
      const frame = decodeFrame(bytes, undefined);
      if (frame.tag !== "fault") frames.push(frame);
    }
    return frames;
  }

  last<T extends RescuerEvent["tag"]>(tag: T): Extract<RescuerEvent, { tag: T }> {
    const event = this.events.findLast((candidate) => candidate.tag === tag);
    return (event ?? expect.fail(`no ${tag}`)) as Extract<RescuerEvent, { tag: T }>;
  }
}

const isOffer = (frame: Frame): frame is Offer => frame.tag === "offer";

describe("a board that boots and was not asked to call", () => {
  const { failure: _, ...status } = distressOf(BOARD, BOOT_NONCE);
  const beacon: Beacon = { ...status, tag: "beacon", failure: undefined };

  it.each<["trial" | "ring", Millis]>([
    ["trial", 30_000],
    ["ring", 45_000],
  ])(
    "answers an invitation with a defer (%s): the dispatcher waits, and invites it again",
    (reason, forMs) => {
      const dispatcher = new End(DISPATCHER, id(8), { handsOut: true });
      const board = new End(BOARD, BOOT_NONCE, {});
      /** The board says that it is there; the offer that follows, if one does. */
      const invitedAt = (now: Millis): Offer | undefined => {
        dispatcher.end.handleTimeout(now);
        dispatcher.take(now);
        dispatcher.hear(now, beacon);
        dispatcher.take(now);
        const { session, refused } = dispatcher.last("pick");
        dispatcher.role.handlePicked(now, session, refused.length > 0 ? undefined : IMAGE);
        return dispatcher.take(now).find(isOffer);
      };
      board.hear(0, invitedAt(0) ?? expect.fail("it is not invited"));
      board.take(0);
      const { offer } = board.last("invited");
      sayDeferral(board.end.link, offer, BOARD, { reason, forMs });
      const [defer] = board.take(0).filter(({ tag }) => tag === "defer");
      expect(defer).toMatchObject({ reason, seconds: forMs / 1000, digest: IMAGE.digest });
      dispatcher.hear(0, defer as Message);
      dispatcher.take(0);
      expect(dispatcher.last("waiting")).toMatchObject({ reason: "defer", targetId: BOARD, forMs });
      expect(invitedAt(forMs - 1_000)).toBeUndefined();
      expect(invitedAt(forMs)).toBeDefined();
    },
  );
});

describe("a session that ends with a defer", () => {
  it("counts as what was sent without healing a board", () => {
    const budget = new ServingBudget();
    const charge = vi.spyOn(budget, "charge");
    const rescuer = new End(DISPATCHER, id(8), { callers: new Callers(new SeededRandom(2), budget) });
    rescuer.hear(0, distressOf(BOARD, BOOT_NONCE));
    rescuer.take(0);
    rescuer.role.handlePicked(0, rescuer.last("pick").session, IMAGE);
    const { targetNonce, rescuerNonce, digest } =
      rescuer.take(0).find(isOffer) ?? expect.fail("it is offered nothing");
    const about = { targetNonce, rescuerNonce, digest };
    rescuer.hear(1, { tag: "accept", ...about, payloadMax: 4096, openBlocks: 4, codecs: 1 });
    rescuer.take(1);
    expect(rescuer.last("accepted").targetId).toEqual(BOARD);
    rescuer.hear(2, { tag: "defer", ...about, reason: "ring", seconds: 30 });
    rescuer.take(2);
    expect(charge).toHaveBeenCalledTimes(1);
    expect(charge.mock.calls[0]?.[1]).toBeGreaterThan(IMAGE.envelope.length);
  });
});
