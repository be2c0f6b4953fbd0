import { sha256 } from "./hash.ts";

/**
 * The ring of a board in the staged update of an image with these rings and this seed: 0 for the boards that go first, up to
 * `rings` - 1. The first four bytes of SHA-256 over the seed and the node id (8 bytes), modulo the number of rings; both numbers
 * with the low byte first (PROTOCOL.md 6.8).
 */
export function ringOf(
  nodeId: Uint8Array,
  { rings, seed }: { readonly rings: number; readonly seed: number },
): number {
  const dealt = new Uint8Array(4 + nodeId.length);
  new DataView(dealt.buffer).setUint32(0, seed, true);
  dealt.set(nodeId, 4);
  const { buffer, byteOffset } = sha256(dealt);
  return new DataView(buffer, byteOffset).getUint32(0, true) % rings;
}
