import * as v from "valibot";

/*
 * The reply of a running node to `status`, as far as people are shown it. What is missing or of another type is left
 * out: the node may be of another version.
 */

const Text = v.fallback(v.optional(v.string()), undefined);
const Quantity = v.fallback(v.optional(v.number()), undefined);
const Truth = v.fallback(v.optional(v.boolean()), undefined);

/** A list of these; a list with something else in it is shown as empty. */
const listOf = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.fallback(v.array(v.object(entries)), []);

const ReplySchema = v.object({
  nodeId: Text,
  uptimeSeconds: Quantity,
  board: v.fallback(
    v.optional(
      v.object({
        path: Text,
        isBootable: Truth,
        version: Text,
        digest: Text,
        isTrial: Truth,
        failure: Text,
        layout: Text,
      }),
    ),
    undefined,
  ),
  links: listOf({ link: Text, role: Text, isUp: Truth, trouble: Text, rttMs: Quantity, baud: Quantity }),
  neighbours: listOf({
    link: Text,
    peer: Text,
    isBootable: Truth,
    version: Text,
    digest: Text,
    heardSecondsAgo: Quantity,
    firstHeardSecondsAgo: Quantity,
  }),
  waiting: listOf({ link: Text, peer: Text, what: Text, why: Text, sinceSeconds: Quantity }),
  healed: listOf({ link: Text, peer: Text, version: Text, secondsAgo: Quantity }),
});

/** A node's own board. */
export interface BoardReply {
  readonly path?: string | undefined;
  readonly isBootable?: boolean | undefined;
  readonly version?: string | undefined;
  readonly digest?: string | undefined;
  readonly isTrial?: boolean | undefined;
  readonly failure?: string | undefined;
  readonly layout?: string | undefined;
}

/** A link of the node. */
export interface LinkReply {
  readonly link?: string | undefined;
  readonly role?: string | undefined;
  readonly isUp?: boolean | undefined;
  readonly trouble?: string | undefined;
  readonly rttMs?: number | undefined;
  /** Rate of its line, in bit/s. */
  readonly baud?: number | undefined;
}

/** A board that the node has to do with, and the link that it is on. */
interface PeerReply {
  readonly link?: string | undefined;
  readonly peer?: string | undefined;
}

/** A board that was heard. */
export interface NeighbourReply extends PeerReply {
  readonly isBootable?: boolean | undefined;
  readonly version?: string | undefined;
  readonly digest?: string | undefined;
  readonly heardSecondsAgo?: number | undefined;
  readonly firstHeardSecondsAgo?: number | undefined;
}

/** A board that waits for something. */
export interface WaitingReply extends PeerReply {
  readonly what?: string | undefined;
  readonly why?: string | undefined;
  readonly sinceSeconds?: number | undefined;
}

/** A board that was healed. */
export interface HealedReply extends PeerReply {
  readonly version?: string | undefined;
  readonly secondsAgo?: number | undefined;
}

/** What people are shown of a node's status. */
export interface NodeReply {
  readonly nodeId?: string | undefined;
  readonly uptimeSeconds?: number | undefined;
  readonly board?: BoardReply | undefined;
  readonly links: readonly LinkReply[];
  readonly neighbours: readonly NeighbourReply[];
  readonly waiting: readonly WaitingReply[];
  readonly healed: readonly HealedReply[];
}

/** Reads a reply; never throws. */
export function nodeReply(reply: Readonly<Record<string, unknown>>): NodeReply {
  return v.parse(ReplySchema, reply);
}
