import { shortId } from "./event-text.ts";
import {
  type BoardReply,
  type HealedReply,
  type LinkReply,
  type NeighbourReply,
  type NodeReply,
  nodeReply,
  type WaitingReply,
} from "./node-reply.ts";
import { columns, durationText, grouped } from "./text.ts";

/** Stands for what the node did not say. */
const UNKNOWN = "-";

/** Why something waits, as people read it; other reasons are shown as they are. */
const REASONS: Readonly<Record<string, string>> = {
  "fan-out": "as many updates as allowed are under way",
  budget: "too much was sent to boards that were not healed",
  defer: "it has begun another image",
  "stand-down": "another rescuer serves it",
  "no-image": "no image suits it",
  soak: "the image has not run for long enough",
};

type Rows = readonly (readonly string[])[];

/** The status of a running node: itself, its board and links, who was heard, who waits for what, who was healed. */
export function nodeStatusText(reply: Readonly<Record<string, unknown>>): string {
  const node = nodeReply(reply);
  const parts = [
    columns(ownRows(node)),
    section("links", "none", node.links.map(linkRow)),
    section("heard", "nobody", node.neighbours.map(neighbourRow)),
    section("waiting", "nobody", node.waiting.map(waitingRow)),
    ...(node.healed.length === 0 ? [] : [section("healed", "nobody", node.healed.map(healedRow))]),
  ];
  return parts.join("\n");
}

function ownRows({ nodeId, uptimeSeconds, board }: NodeReply): Rows {
  return [
    ["node", shown(nodeId)],
    ["up for", time(uptimeSeconds)],
    ...(board === undefined
      ? [["board", "none: it only provides images"]]
      : [
          ["board", shown(board.path)],
          ["boots", bootsText(board)],
          ["layout", shown(board.layout)],
        ]),
  ];
}

function bootsText({ isBootable, version, digest, isTrial, failure }: BoardReply): string {
  const what = imageText(version, digest);
  if (isBootable === undefined) return what;
  if (!isBootable) return `nothing (${shown(failure)}), had ${what}`;
  return isTrial === true ? `${what}, on trial` : what;
}

function linkRow({ link, role, isUp, trouble, rttMs, baud }: LinkReply): readonly string[] {
  const state = isUp === undefined ? UNKNOWN : isUp ? "up" : "down";
  const rtt = rttMs === undefined ? UNKNOWN : `${rttMs.toFixed(1)} ms`;
  return [
    shown(link),
    state,
    shown(role),
    `rtt ${rtt}`,
    ...(baud === undefined ? [] : [`${grouped(baud)} bit/s`]),
    trouble === undefined ? "no trouble" : shown(trouble),
  ];
}

function neighbourRow(neighbour: NeighbourReply): readonly string[] {
  const { link, peer, isBootable, version, digest, heardSecondsAgo, firstHeardSecondsAgo } = neighbour;
  const boots = isBootable === undefined ? UNKNOWN : isBootable ? "boots" : "in distress";
  const first = `first ${ago(firstHeardSecondsAgo)}`;
  return [shown(link), id(peer), boots, imageText(version, digest), `heard ${ago(heardSecondsAgo)}`, first];
}

function waitingRow({ link, peer, what, why, sinceSeconds }: WaitingReply): readonly string[] {
  const reason = why === undefined ? UNKNOWN : (REASONS[why] ?? shown(why));
  return [shown(link), id(peer), `for ${shown(what)}`, `since ${time(sinceSeconds)}`, reason];
}

function healedRow({ link, peer, version, secondsAgo }: HealedReply): readonly string[] {
  return [shown(link), id(peer), shown(version), ago(secondsAgo)];
}

/** A head and the rows below it, or what there is instead of rows. */
function section(head: string, none: string, rows: Rows): string {
  return rows.length === 0 ? `${head}: ${none}` : `${head}:\n${columns(rows.map(indented))}`;
}

function indented([first = "", ...rest]: readonly string[]): readonly string[] {
  return [`  ${first}`, ...rest];
}

function imageText(version: string | undefined, digest: string | undefined): string {
  return digest === undefined ? shown(version) : `${shown(version)} (${id(digest)})`;
}

function id(hex: string | undefined): string {
  return shortId(shown(hex));
}

function ago(seconds: number | undefined): string {
  return seconds === undefined ? UNKNOWN : `${time(seconds)} ago`;
}

function time(seconds: number | undefined): string {
  return seconds === undefined ? UNKNOWN : durationText(seconds);
}

/** Line ends would imitate lines of ours. */
function shown(text: string | undefined): string {
  return text === undefined ? UNKNOWN : text.replaceAll("\n", "\u00b7");
}
