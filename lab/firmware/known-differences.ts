/** A difference that is there on purpose, or that PROTOCOL.md leaves open, and how it is kept out of the comparison. */
export interface KnownDifference {
  readonly what: string;
  readonly why: string;
  readonly how: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    what: "C stores the manifest and says receiving before its first grant, TypeScript before its first write",
    why: "the envelope lies in a block buffer (13.5 leaves the moment open)",
    how: "status and record are not compared in between; a session that ends there continues from one flash",
  },
  {
    what: "TypeScript knows hashes from runs of before, and from flash where the node above is right; C asks for the run",
    why: "C keeps one run (6.3)",
    how: "nothing is compared until C has caught up, or, when a block came meanwhile, until power was off; the rescuers answer its requests, too",
  },
  {
    what: "blocks that the other slot holds are written at once by TypeScript, in their turn by C",
    why: "C walks on as its buffers get free",
    how: "with two slots open sectors and bytes of slots are compared when the session is over",
  },
  {
    what: "units that are complete are closed with the next entry, or one entry sooner",
    why: "13.2.3 says as a rule; C remembers one such unit, TypeScript all",
    how: "open sectors are compared outside of sessions; after a power cut in a session both sides have one flash",
  },
  {
    what: "TypeScript knows blocks of zeros and of 0xFF by their hashes and does not ask for them",
    why: "13.5 does not say which blocks of one byte; C would hash each block twice more",
    how: "images of sessions repeat other bytes",
  },
  {
    what: "repeats of questions, calls, knocks, busy, and the delay of acks",
    why: "6.4: free; C counts whole milliseconds and has no pace",
    how: "the last grant, request, status and ack count, and answers without repeats",
  },
  {
    what: "the round trip is estimated in 1/32 ms by C, in full by TypeScript",
    why: "6.4: free",
    how: "the TypeScript side of the comparison is given the arithmetic of C",
  },
  {
    what: "strikes and the hold to an image",
    why: "6.5: an implementation may leave them out",
    how: "power off and on after the second strike; the hold is off, the bound of changes is not",
  },
  {
    what: "open blocks in an accept of another block size than usual; busy for a large image that is only offered",
    why: "C counts buffers in bytes; 5.11 leaves busy open",
    how: "that byte is left out; offers above 1 MiB are not handed in",
  },
  {
    what: "chunks that are not in whole units of 32 bytes, manifests with a level or index",
    why: "4.5 and 4.6: may be dropped",
    how: "they are not handed in",
  },
  {
    what: "of two runs before the manifest that differ TypeScript takes the first one, C the last",
    why: "5.4 leaves it open; no rescuer sends two",
    how: "a damaged run whose CRC is right is not handed in before the manifest",
  },
  {
    what: "extensions of type 01 that are no proof, and two of them",
    why: "14.3 does not say what they are to a node without a key",
    how: "offers with one are not handed in; of two no proof is compared",
  },
  {
    what: "messages about the rate of the line, *have*, words about images, and the extension *limits*",
    why: "C has no name for them (12.1), and what it does not know is no sign of life",
    how: "they are unknown to C and not handed in within a session, and what the extension says is not compared",
  },
  {
    what: "an offer of a block size that does not exist is 0 or the largest one",
    why: "5.3: it stands for the largest",
    how: "both are read as the largest",
  },
];
