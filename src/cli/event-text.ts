import { unreachable } from "../base/assert.ts";
import type { HealedEvent, NodeEvent, ProgressEvent } from "../node/node-event.ts";
import type { Verdict } from "../node/verdict.ts";
import { failureText } from "./board/boot-text.ts";
import { byteText, durationText, grouped, percent, rateText } from "./text.ts";

/** Digits of ids and digests that are shown to people. */
const SHORT_ID = 8;

/** An id or digest as it is shown to people: its first digits. */
export function shortId(hex: string): string {
  return hex.slice(0, SHORT_ID);
}

/** A node as it is shown to people: "01234567", and "01234567 (acme/pump)" where its hardware is known. */
function nodeText({ peer, hardware }: { readonly peer: string; readonly hardware?: string }): string {
  return hardware === undefined ? shortId(peer) : `${shortId(peer)} (${hardware})`;
}

/** States of a link that name themselves by a word of the protocol. */
const STATE_TEXTS: ReadonlyMap<string, string> = new Map([
  ["echo", "hears its own bytes: the line or its adapter echoes"],
  ["two-nodes", "two other nodes talk on this line; each link joins two boards"],
  ["stranger", "not a mayday board"],
  ["calling", "still calling"],
  ["copied-board", "two boards with one identity"],
  ["image-unreadable", "an image cannot be read"],
]);

/** Why sessions end early, of targets and of rescuers. */
const LOSS_TEXTS: ReadonlyMap<string, string> = new Map([
  ["lease", "the rescuer sent nothing useful for too long"],
  ["slow", "the other side was too slow"],
  ["superseded", "an image that goes before this one was offered"],
  ["bye", "the other side stopped"],
  ["damaged", "too many wrong blocks or hashes came"],
  ["not-bootable", "the image is in flash, but the board does not boot it"],
  ["silence", "the board fell silent"],
  ["restarted", "the board restarted"],
  ["stood-down", "another rescuer serves the board"],
  ["done-not-heard", "everything was sent, but the board never said that it is healed"],
]);

function stateText({ state, detail }: Extract<NodeEvent, { event: "link" }>): string {
  const text = STATE_TEXTS.get(state) ?? state;
  return detail === undefined ? text : `${text} (${detail})`;
}

/** An event as text for people. Undefined for progress, see {@link progressText}. */
export function eventText(event: NodeEvent): string | undefined {
  switch (event.event) {
    case "ready":
      return `${event.link}: listening`;
    case "link":
      return `${event.link}: ${stateText(event)}`;
    case "distress": {
      // In events that were read as JSON, undefined is null.
      if (event.reason === undefined || event.reason === null)
        return `${event.link}: board ${nodeText(event)} boots, and asks for something newer`;
      const had = typeof event.version === "string" ? `had version ${event.version}` : "no version known";
      const { hardware = `hardware ${event.hardwareId}` } = event;
      return `${event.link}: board ${nodeText({ ...event, hardware })} is in distress: ${failureText(event.reason)}; ${had}`;
    }
    case "offer": {
      const what = `version ${event.version} (${shortId(event.digest)}, ${byteText(event.size)})`;
      return `${event.link}: offer of ${what}, other side is ${nodeText(event)}`;
    }
    case "refused": {
      const detail = event.detail === undefined ? "" : `: ${event.detail}`;
      return `${event.link}: refused (${event.reason})${detail}`;
    }
    case "progress":
      return undefined;
    case "waiting":
      return `${event.link}: board ${nodeText(event)} ${waitingText(event)}`;
    case "deferred":
      return `${event.link}: image ${shortId(event.digest)} of ${shortId(event.peer)} ${deferredText(event)}`;
    case "suspect": {
      const where = event.proven ? "" : " on this link, as nothing proves it";
      return `${event.link}: image ${shortId(event.digest)} failed on another board, and is held up for ${durationText(event.seconds)}${where}`;
    }
    case "none":
      return `${event.link}: ${event.detail}`;
    case "console":
      return event.text
        .trimEnd()
        .split("\n")
        .map((line) => `${event.link}| ${line}`)
        .join("\n");
    case "rate":
      return `${event.link}: ${lineText(event)}`;
    case "verified":
      return `${event.link}: image ${shortId(event.digest)} verified in flash`;
    case "role":
      return undefined;
    case "booted":
      return `boots version ${event.version} (${shortId(event.digest)})`;
    case "installed":
      return `installed version ${event.version} (${shortId(event.digest)}) from ${event.from}`;
    case "neighbour":
      return `${event.link}: neighbour ${nodeText(event)} ${neighbourText(event)}`;
    case "conflict":
      return `${event.link}: neighbour ${nodeText(event)} runs another image (${shortId(event.digest)}) of the same version ${event.version}: neither updates the other; build one of them with a higher version or --sequence`;
    case "healed":
      return `${event.link}: healed with ${shortId(event.digest)}, other side is ${nodeText(event)}`;
    case "healthy":
      return `${event.link}: board ${nodeText(event)} is healthy${healthyAfter(event.seconds)}`;
    case "not-healthy":
      return `${event.link}: board ${nodeText(event)} is not healthy: ${event.detail}`;
    case "lost":
      return `${event.link}: session ended early: ${LOSS_TEXTS.get(event.why) ?? event.why}`;
    default:
      return unreachable(event);
  }
}

/** What a healed board's session was, in one line. */
export function healText({ link, blocks, bytesTx, seconds, baud }: HealedEvent): string {
  const rate = typeof baud === "number" ? ` at ${grouped(baud)} bit/s` : "";
  return `${link}: ${blockText(blocks)} in ${seconds.toFixed(2)} s${rate}, ${byteText(bytesTx)} sent`;
}

/** A board whose image needs no confirmation is healthy with its heal. */
function healthyAfter(seconds: number): string {
  return seconds === 0 ? "" : `, ${durationText(seconds)} after its heal`;
}

function lineText({ baud, before, reason }: Extract<NodeEvent, { event: "rate" }>): string {
  const [now, was] = [grouped(baud), grouped(before)];
  switch (reason) {
    case "faster":
      return `line at ${now} bit/s, was ${was}`;
    case "lowered":
      return `line lowered to ${now} bit/s: less arrived at ${was}`;
    case "unproven":
      return `line back at ${now} bit/s: ${was} does not work`;
    case "silence":
      return `line back at ${now} bit/s: nothing was heard at ${was}`;
    default:
      return unreachable(reason);
  }
}

function neighbourText({ version, bootable }: Extract<NodeEvent, { event: "neighbour" }>): string {
  const what = typeof version === "string" ? `version ${version}` : "nothing installed";
  return bootable ? `runs ${what}` : `does not boot, ${what}`;
}

function waitingText({ reason, digest, seconds }: Extract<NodeEvent, { event: "waiting" }>): string {
  const time = durationText(seconds);
  switch (reason) {
    case "budget":
      return `has to wait: too much was sent to boards that were not healed; calls are answered again in ${time}`;
    case "defer": {
      const image = typeof digest === "string" ? ` ${shortId(digest)}` : "";
      return `waits with image${image}: it has begun another one, changed images too often, or its ring is not due; ${time} are left`;
    }
    case "stand-down":
      return `is served by another rescuer; its calls are answered again in ${time}`;
    case "fan-out":
      return `waits for its update: another board gets one; asked again in ${time}`;
    case "soak":
      return `waits for its update: as many as allowed were handed out in the last soak time; asked again in ${time}`;
    case "suspect":
      return `waits for its update: the image failed on another board; asked again in ${time}`;
    case "heal":
      return `waits for its update: a board that does not boot is served first; asked again in ${time}`;
    default:
      return unreachable(reason);
  }
}

function deferredText({ reason, seconds }: Extract<NodeEvent, { event: "deferred" }>): string {
  const time = durationText(seconds);
  if (reason === "ring") return `is for other boards first: the ring of this one is due in ${time}`;
  return `failed on another board: this one takes it in ${time}`;
}

/** "12/64 blocks, 3 s to go, 88.3 kB/s, 1 % lost, acme/pump"; of that, what fits into `room` columns, and the blocks always. */
export function progressText(event: ProgressEvent, room: number = Number.POSITIVE_INFINITY): string {
  const isOpen = event.written < event.missing;
  const parts = [
    ...(typeof event.eta === "number" && isOpen ? [`${durationText(event.eta)} to go`] : []),
    rateText(event.rate),
    `${percent(1 - event.quality)} lost`,
    ...(event.hardware === undefined ? [] : [event.hardware]),
  ];
  let text = `${event.written}/${event.missing} blocks`;
  for (const part of parts) if (text.length + 2 + part.length <= room) text += `, ${part}`;
  return text;
}

function blockText(blocks: number): string {
  return `${blocks} block${blocks === 1 ? "" : "s"}`;
}

/** The successful end of a command over a link, in one line. */
export function verdictText(verdict: Verdict): string {
  const image = verdict.digest === undefined ? "" : ` ${shortId(verdict.digest)}`;
  if (verdict.reason === "stopped" && verdict.healed !== undefined)
    return `stopped after ${verdict.healed} healed board${verdict.healed === 1 ? "" : "s"}`;
  if (verdict.bytesTx + verdict.bytesRx === 0) return `${verdict.reason}${image}`;
  const moved = `${byteText(verdict.bytesTx)} sent, ${byteText(verdict.bytesRx)} received`;
  const resent = verdict.resentBytes === 0 ? "" : `, ${byteText(verdict.resentBytes)} sent again`;
  const saved = verdict.savedBytes === 0 ? "" : `, ${byteText(verdict.savedBytes)} saved by compression`;
  const took = `${blockText(verdict.blocks)} in ${verdict.seconds.toFixed(2)} s`;
  const rate = typeof verdict.baud === "number" ? ` at ${grouped(verdict.baud)} bit/s` : "";
  return `${verdict.reason}${image}: ${took}${rate}, ${moved}${resent}${saved}`;
}
