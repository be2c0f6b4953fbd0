import type { Clock } from "../base/clock.ts";
import type { RefusalReason } from "../base/refusal.ts";
import type { RunOutcome } from "../base/tree-shape.ts";
import type { InstallPlan, TargetStatus, TargetStore } from "../board/target-store.ts";
import { decodeEnvelope } from "../image/envelope.ts";
import { shortDigest } from "../image/manifest.ts";
import type { NodeStatus } from "../session/beacon.ts";
import { decodeCoded } from "../session/coded-block.ts";
import type { Deferral } from "../session/handshake.ts";
import type { BlockOutcome, ManifestOutcome, TargetEvent } from "../session/target/target-events.ts";
import type { TargetRole } from "../session/target/target-role.ts";
import type { ReceivedRun } from "../session/target/tree-descent.ts";
import { ObjectKind } from "../wire/constants.ts";

/** What the effects of a target are answered by. */
export type TargetAnswers = Pick<
  TargetRole,
  "handleManifestChecked" | "handleRunChecked" | "handleBlockWritten" | "handleCommitted" | "holds"
>;

/**
 * Carries out a target's effect on its board and hands the result back; false if the event is not an effect.
 * Synchronous: hashing, erasing and programming are finished when it returns. An effect whose session is over is not
 * carried out: the board may work for another one by now. The answer carries the time after the work. `defers`: why an image
 * whose manifest was accepted has to wait.
 */
export function applyTargetEffect(
  clock: Pick<Clock, "now">,
  event: TargetEvent,
  target: TargetAnswers | undefined,
  store: TargetStore,
  defers?: (plan: InstallPlan) => Deferral | undefined,
): boolean {
  if (!isEffect(event)) return false;
  if (target?.holds(event.session) !== true) return true;
  switch (event.tag) {
    case "checkManifest": {
      const outcome = checkManifest(store, event.envelope, event.joins === true, defers);
      target.handleManifestChecked(clock.now(), event.session, outcome);
      return true;
    }
    case "checkRun": {
      const outcome = checkRun(store, event.run);
      target.handleRunChecked(clock.now(), event.session, event.run.node, outcome);
      return true;
    }
    case "writeBlock": {
      const outcome = store.writeBlock(event.block, event.bytes);
      target.handleBlockWritten(clock.now(), event.session, event.block, outcome);
      return true;
    }
    case "writeCodedBlock": {
      const outcome = writeCodedBlock(store, event);
      target.handleBlockWritten(clock.now(), event.session, event.block, outcome);
      return true;
    }
    case "commit": {
      const outcome = store.commit();
      const failure = outcome.tag === "bootable" ? undefined : outcome.reason;
      target.handleCommitted(clock.now(), event.session, failure);
      return true;
    }
  }
}

/** What flash lacks is known to the sessions that receive the image already. */
const NOTHING_MORE: RunOutcome = { tag: "good", nodes: [], blocks: [] };

type TargetEffect = Exclude<Extract<TargetEvent, { readonly session: number }>, { readonly tag: "locator" }>;

type EffectOf<Tag extends TargetEffect["tag"]> = Extract<TargetEffect, { readonly tag: Tag }>;

function isEffect(event: TargetEvent): event is TargetEffect {
  return "session" in event && event.tag !== "locator";
}

function checkManifest(
  store: TargetStore,
  envelope: Uint8Array,
  isJoining: boolean,
  defers: (plan: InstallPlan) => Deferral | undefined = () => undefined,
): ManifestOutcome {
  const verdict = store.checkManifest(envelope);
  if (verdict.tag === "refused") return { ...verdict, digest: digestOfSigned(envelope, verdict.reason) };
  const deferral = defers(verdict.plan);
  if (deferral !== undefined) {
    store.abandon();
    return { tag: "deferred", deferral };
  }
  const { digest8, size, blockSize, leafCount } = verdict.plan;
  return {
    tag: "accepted",
    plan: { digest: digest8, size, blockSize, leafCount },
    start: isJoining ? NOTHING_MORE : store.start(),
  };
}

/** What is refused before the signature is known to be right says nothing about the image that it claims to be. */
const UNTRUSTED: readonly RefusalReason[] = ["signature", "unsigned", "manifest"];

function digestOfSigned(envelope: Uint8Array, reason: RefusalReason): Uint8Array | undefined {
  if (UNTRUSTED.includes(reason)) return undefined;
  const decoded = decodeEnvelope(envelope);
  return decoded.tag === "envelope" ? shortDigest(decoded.digest) : undefined;
}

function writeCodedBlock(
  store: TargetStore,
  { block, codec, payload, length, blockSize }: EffectOf<"writeCodedBlock">,
): BlockOutcome {
  const bytes = decodeCoded(codec, payload, length, blockSize, (held) => store.readHeld(held));
  if (bytes === "missing") return "missing";
  return bytes === undefined ? "mismatch" : store.writeBlock(block, bytes);
}

function checkRun(store: TargetStore, run: ReceivedRun): RunOutcome {
  if (run.kind === ObjectKind.run) return store.checkRun(run.node, run.payload);
  const [byte] = run.payload;
  return byte === undefined ? { tag: "bad" } : store.checkUniform(run.node, byte);
}

/** The board's status, as its beacon states it. */
export function nodeStatusOf(status: TargetStatus): NodeStatus {
  const { installed } = status;
  return {
    nodeId: status.nodeId,
    hardwareId: status.hardwareId8,
    revision: status.revision,
    failure: status.isBootable ? undefined : (status.failure ?? "empty"),
    installed: installed && {
      digest: installed.digest8,
      version: installed.version,
      sequence: installed.sequence,
    },
    receivingDigest: status.receivingDigest8,
    counterFloor: status.counterFloor,
  };
}
