import { randomBelow } from "../../src/base/prng.ts";
import { shortDigest } from "../../src/image/manifest.ts";
import { ByeReason } from "../../src/wire/constants.ts";
import type { Frame, Message } from "../../src/wire/messages.ts";
import { pick } from "../fuzz/mutate.ts";
import { FRAME_TAGS, randomFrame } from "../fuzz/random-frame.ts";
import type { AttackView, Mutation, Outgoing } from "./mutation.ts";

/** Mutations of when frames come, how often, and which ones come besides. */

const besides = (frame: Frame, more: Frame | undefined): readonly Outgoing[] | undefined => {
  return more && [{ frame }, { frame: more }];
};

export const loss: Mutation = () => [];

export const duplicates: Mutation = (frame, { random }) => {
  return [{ frame }, { frame, afterMs: randomBelow(random, 4) * randomBelow(random, 400) }];
};

/** A frame comes late, behind younger ones. */
export const reorders: Mutation = (frame, { random }) => [{ frame, afterMs: 1 + randomBelow(random, 300) }];

/** A frame of earlier, of this session or of one before it, with the tag of now. */
export const replays: Mutation = (frame, { random, past }) => {
  return past.length === 0 ? undefined : besides(frame, pick(random, past));
};

/** Two frames of one kind with each other's content. */
export const swaps: Mutation = (frame, { random, past }) => {
  const others = past.filter(({ tag }) => tag === frame.tag);
  if (others.length === 0 || (frame.tag !== "data" && frame.tag !== "object")) return undefined;
  const other = pick(random, others);
  if (!("payload" in other)) return undefined;
  const total = frame.tag === "object" ? { total: frame.offset + other.payload.length } : {};
  return [{ frame: { ...frame, ...total, payload: other.payload } as Frame }];
};

export const byes: Mutation = (frame, view) => besides(frame, nonced(view, "bye"));

/** A bye, stand-down or refusal that has the nonces right, as far as they are known. */
function nonced({ random, context }: AttackView, tag: "bye" | "standDown" | "refuse"): Message | undefined {
  const made = randomFrame(random, tag, context);
  if (made.tag === "bye") {
    const [targetNonce, rescuerNonce] = context.nonces;
    if (targetNonce === undefined || rescuerNonce === undefined) return undefined;
    return { ...made, targetNonce, rescuerNonce, reason: ByeReason.stopped };
  }
  return made.tag === tag ? (made as Message) : undefined;
}

export const refusals: Mutation = (frame, view) => {
  return view.isToTarget
    ? undefined
    : besides(frame, nonced(view, pick(view.random, ["refuse", "standDown"])));
};

/** Later and done-ack to the target, busy and done to the rescuer: each believable, none of it true. */
export const forgedControl: Mutation = (frame, { random, isToTarget, setup, decoy }) => {
  const digest = shortDigest(pick(random, [setup.wanted, decoy]).digest).slice();
  const forMs = pick(random, [0, 1, 1_000, 0xffff]);
  const frames: readonly Frame[] = isToTarget
    ? [
        { tag: "later", forMs },
        { tag: "doneAck", digest },
      ]
    : [
        { tag: "busy", forMs },
        { tag: "done", digest },
      ];
  return besides(frame, pick(random, frames));
};

/** Later with every frame. */
export const laters: Mutation = (frame, { isToTarget, random }) => {
  return isToTarget ? besides(frame, { tag: "later", forMs: randomBelow(random, 0x10000) }) : undefined;
};

/** A second offer, for the image of the attack, with a nonce of its own. */
export const rivalOffers: Mutation = (frame, view) => {
  const { random, isToTarget, decoy, context } = view;
  const [targetNonce] = context.nonces;
  if (!isToTarget || targetNonce === undefined) return undefined;
  const made = randomFrame(random, "offer", context);
  if (made.tag !== "offer") return undefined;
  return besides(frame, { ...made, targetNonce, digest: shortDigest(decoy.digest).slice() });
};

/** Any frame at any time, with the nonces and tags of now. */
export const injections: Mutation = (frame, { random, context }) => {
  return besides(frame, randomFrame(random, pick(random, FRAME_TAGS), context));
};
