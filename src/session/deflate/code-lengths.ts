interface Tree {
  readonly count: number;
  readonly symbols: readonly number[];
}

/**
 * Lengths of a Huffman code for symbols that occur so often, of at most `bitsMax` bits; 0 for those that do not occur. Where
 * fewer than two occur, the first symbols fill in: a code is never of a single symbol.
 */
export function codeLengths(counts: readonly number[], bitsMax: number): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  const trees: Tree[] = counts.flatMap((count, symbol) => (count > 0 ? [{ count, symbols: [symbol] }] : []));
  for (let symbol = 0; trees.length < 2; symbol++)
    if (counts[symbol] === 0) trees.push({ count: 0, symbols: [symbol] });
  trees.sort((a, b) => b.count - a.count);
  // Joined trees come in ascending order: each is put in behind those that are rarer.
  while (trees.length > 1) {
    const [first, second] = [trees.pop(), trees.pop()];
    if (first === undefined || second === undefined) break;
    const symbols = first.symbols.concat(second.symbols);
    for (const symbol of symbols) lengths[symbol] = (lengths[symbol] ?? 0) + 1;
    const joined = { count: first.count + second.count, symbols };
    let at = trees.length;
    while (at > 0 && (trees[at - 1]?.count ?? 0) < joined.count) at--;
    trees.splice(at, 0, joined);
  }
  limit(lengths, counts, bitsMax);
  return lengths;
}

/** Shortens codes that are too long, and lengthens those of rare symbols until all have room. */
function limit(lengths: Uint8Array, counts: readonly number[], bitsMax: number): void {
  const full = 2 ** bitsMax;
  let used = 0;
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    lengths[symbol] = Math.min(length, bitsMax);
    used += 2 ** (bitsMax - (lengths[symbol] ?? 0));
  }
  const rarestFirst = [...lengths.keys()]
    .filter((symbol) => lengths[symbol] !== 0)
    .sort((a, b) => (counts[a] ?? 0) - (counts[b] ?? 0));
  while (used > full) {
    const symbol = rarestFirst.find((one) => (lengths[one] ?? 0) < bitsMax);
    if (symbol === undefined) return;
    lengths[symbol] = (lengths[symbol] ?? 0) + 1;
    used -= 2 ** (bitsMax - (lengths[symbol] ?? 0));
  }
  // What that left free goes to the most frequent ones: the code has to be complete.
  for (const symbol of rarestFirst.reverse()) {
    for (let gain = 0; ; ) {
      gain = 2 ** (bitsMax - (lengths[symbol] ?? 0));
      if ((lengths[symbol] ?? 0) <= 1 || used + gain > full) break;
      lengths[symbol] = (lengths[symbol] ?? 0) - 1;
      used += gain;
    }
  }
}
