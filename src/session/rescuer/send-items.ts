import type { TreeNode } from "../../base/tree-shape.ts";
import type { SendItem } from "../../link/send-queue.ts";
import { CHUNK_UNIT } from "../../wire/constants.ts";
import type { ObjectName } from "../../wire/messages.ts";
import type { CodedBlock } from "../codecs.ts";

/** Key of a block in one attempt: a later attempt is another item. */
export function blockKey(block: number, attempt: number): string {
  return `block ${block}/${attempt}`;
}

export function isBlockKey(key: string): boolean {
  return key.startsWith("block ");
}

/** Key of a manifest or run. */
export function objectKey(name: ObjectName): string {
  return `object ${name.kind} ${name.node.level}/${name.node.index}`;
}

/** Key of a run that is read: how it will be sent is not known yet. */
export function runKey({ level, index }: TreeNode): string {
  return `run ${level}/${index}`;
}

/** A manifest or run to send in chunks (PROTOCOL.md 4.6). */
export function objectItem(name: ObjectName, bytes: Uint8Array): SendItem {
  return {
    key: objectKey(name),
    length: bytes.length,
    isUrgent: true,
    packet: (packetNumber, from, to) => ({
      tag: "object",
      packetNumber,
      name,
      offset: from,
      total: bytes.length,
      payload: bytes.subarray(from, to),
    }),
  };
}

/**
 * A block to send in chunks, as `code` gives it when its turn comes (PROTOCOL.md 4.5). `position`: where the block begins in
 * the image, in units of 32 bytes.
 */
export function blockItem(
  block: number,
  attempt: number,
  position: number,
  code: () => CodedBlock,
): SendItem {
  let made: CodedBlock | undefined;
  const coded = (): CodedBlock => {
    made ??= code();
    return made;
  };
  return {
    key: blockKey(block, attempt),
    isUrgent: false,
    get length() {
      return coded().payload.length;
    },
    packet: (packetNumber, from, to) => ({
      tag: "data",
      packetNumber,
      codec: coded().codec,
      attempt: attempt & 1,
      position: (position + from / CHUNK_UNIT) & 0xffff,
      payload: coded().payload.subarray(from, to),
    }),
  };
}
