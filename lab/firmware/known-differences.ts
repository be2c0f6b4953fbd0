/** A difference that is there on purpose, or that the text of PROTOCOL.md leaves open, and how it is kept out of the comparison. */
export interface KnownDifference {
  readonly what: string;
  readonly why: string;
  readonly how: string;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [];
