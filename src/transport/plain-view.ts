/**
 * The same bytes as a plain Uint8Array. Node hands out Buffers, whose `slice` is a view where Uint8Array's is a copy:
 * a trap for everyone above, so no Buffer leaves this folder.
 */
export function plainView(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
