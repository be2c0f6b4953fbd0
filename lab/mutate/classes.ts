import { randomBelow } from "../../src/base/prng.ts";
import { pick } from "../fuzz/mutate.ts";
import * as content from "./content.ts";
import * as fields from "./fields.ts";
import * as flow from "./flow.ts";
import type { Mutation } from "./mutation.ts";

const SINGLE: Readonly<Record<string, Mutation>> = {
  "manifest-bytes": content.manifestBytes,
  "manifest-swap": content.manifestSwap,
  "manifest-graft": content.manifestGraft,
  "run-hashes": content.runHashes,
  "run-swap": content.runSwap,
  "run-shape": content.runShape,
  "run-kind": content.runKind,
  "uniform-claim": content.uniformClaim,
  "block-bytes": content.blockBytes,
  "block-swap": content.blockSwap,
  "block-move": content.blockMove,
  "block-codec": content.blockCodec,
  "content-fuzz": content.contentFuzz,
  "object-name": fields.objectName,
  "object-extent": fields.objectExtent,
  "data-position": fields.dataPosition,
  "data-attempt": fields.dataAttempt,
  "packet-number": fields.packetNumber,
  "payload-cut": fields.payloadCut,
  "payload-extend": fields.payloadExtend,
  "offer-claims": fields.offerClaims,
  "nonces-and-ids": fields.noncesAndIds,
  statements: fields.statements,
  wishes: fields.wishes,
  acks: fields.acks,
  "raw-bytes": fields.rawBytes,
  "frame-type": fields.frameType,
  extensions: fields.extensions,
  "frame-length": fields.frameLength,
  loss: flow.loss,
  duplicates: flow.duplicates,
  reorders: flow.reorders,
  replays: flow.replays,
  swaps: flow.swaps,
  byes: flow.byes,
  refusals: flow.refusals,
  "forged-control": flow.forgedControl,
  laters: flow.laters,
  "rival-offers": flow.rivalOffers,
  injections: flow.injections,
};

const ALL: readonly Mutation[] = Object.values(SINGLE);

/** Any of all mutations, drawn again for each frame; of a mutation that does not concern the frame the next is tried. */
const mixed: Mutation = (frame, view) => {
  for (let tries = 0; tries < 4; tries++) {
    const outgoing = pick(view.random, ALL)(frame, view);
    if (outgoing !== undefined) return outgoing;
  }
  return undefined;
};

/** The image swapped as a whole for the decoy: offer, manifest, hashes and blocks; now and then a part is left out. */
const imageSwap: Mutation = (frame, view) => {
  const { image, data } = view.decoy;
  if (randomBelow(view.random, 40) === 0) return undefined;
  if (frame.tag === "offer") return [{ frame: fields.offerOf(frame, image) }];
  return (
    content.manifestSwap(frame, view) ?? content.runOfImage(frame, image) ?? content.blockOf(frame, data)
  );
};

/** All classes of mutation by name. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = { ...SINGLE, "image-swap": imageSwap, mixed };
export const MUTATION_NAMES: readonly string[] = Object.keys(MUTATIONS);
