import { toHex } from "../base/bytes.ts";
import type { Millis } from "../base/units.ts";
import type { ServedImage } from "../image/image-source.ts";
import { formatVersion } from "../image/version.ts";
import type { LinkCounters } from "../link/counters.ts";
import type { ServeCause } from "../mesh/dispatch.ts";
import type { RescuerEvent } from "../session/rescuer/rescuer-events.ts";
import type { HealedEvent, NodeEvent } from "./node-event.ts";
import type { TransferProgress } from "./transfer-progress.ts";

/** An event of a rescuer's role by its tag. */
export type EventOf<Tag extends RescuerEvent["tag"]> = Extract<RescuerEvent, { tag: Tag }>;

/** A session that a board accepted, and what it has cost. */
export interface AcceptedSession {
  readonly image: ServedImage | undefined;
  readonly progress: TransferProgress;
  readonly startedAt: Millis;
  /** Bytes that were sent on the link before. */
  readonly bytesBefore: number;
  /** Blocks read for it so far. */
  blocks: number;
}

/** The report of an offer. `link`: the endpoint. */
export function offerReport(link: string, { offer, targetId }: EventOf<"offered">): NodeEvent {
  const { digest, version, size } = offer;
  const what = { digest: toHex(digest), version: formatVersion(version), size };
  return { event: "offer", link, peer: toHex(targetId), ...what };
}

/** The report of a board that is not answered because the budget is used up. */
export function spentReport(link: string, { targetId, forMs }: EventOf<"spent">): NodeEvent {
  const seconds = Math.ceil(forMs / 1000);
  return { event: "waiting", link, peer: toHex(targetId), reason: "budget", seconds };
}

/** The report of a board that waits with an image, or is served by another rescuer. */
export function waitingReport(
  link: string,
  { reason, targetId, digest, forMs }: EventOf<"waiting">,
): NodeEvent {
  const named = digest === undefined ? {} : { digest: toHex(digest) };
  return {
    event: "waiting",
    link,
    peer: toHex(targetId),
    reason,
    ...named,
    seconds: Math.ceil(forMs / 1000),
  };
}

/** The report of a healed board. `bytesSent`: on the link so far. */
export function healedReport(
  now: Millis,
  link: string,
  { digest, targetId, targetNonce, isProven }: EventOf<"healed">,
  session: AcceptedSession | undefined,
  bytesSent: number,
  baud: number | undefined,
  cause: ServeCause,
): HealedEvent {
  const { image, blocks = 0, startedAt = now, bytesBefore = 0 } = session ?? {};
  return {
    event: "healed",
    link,
    peer: toHex(targetId),
    digest: toHex(image?.digest ?? digest),
    version: image === undefined ? "" : formatVersion(image.manifest.version),
    proven: isProven,
    blocks,
    bytesTx: bytesSent - bytesBefore,
    seconds: (now - startedAt) / 1000,
    ...(baud !== undefined && { baud }),
    target: toHex(targetId),
    nonce: toHex(targetNonce),
    cause,
  };
}

/** The report of progress; undefined when it is too early for another one. What the board holds already is not known here. */
export function progressReport(
  now: Millis,
  { written, missing }: EventOf<"progress">,
  session: AcceptedSession | undefined,
  counters: LinkCounters,
): NodeEvent | undefined {
  const manifest = session?.image?.manifest;
  if (session === undefined || manifest === undefined) return undefined;
  const { blockSize, leafCount } = manifest;
  const isAllKnown = missing === leafCount;
  const blocks = { blocks: written, blocksTotal: missing, written, missing, isAllKnown };
  return session.progress.measure(now, blocks, blockSize, counters.bytesSent, counters);
}
