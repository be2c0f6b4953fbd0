import { ByteWriter, concatBytes } from "../base/bytes.ts";
import { CALL_MASK_LENGTH, CRC_LENGTH } from "./constants.ts";
import { frameCrc } from "./crc.ts";

/** The value of *call*: the mask, and the frame of a call without its CRC under it. */
export function maskedCall(call: Uint8Array, mask: Uint8Array): Uint8Array {
  return concatBytes(mask, underMask(call, mask));
}

/** The frame of the call in a value of *call*, with its CRC; undefined where the value is too short for one. */
export function callFrameIn(value: Uint8Array): Uint8Array | undefined {
  if (value.length <= CALL_MASK_LENGTH) return undefined;
  const call = underMask(value.subarray(CALL_MASK_LENGTH), value.subarray(0, CALL_MASK_LENGTH));
  return new ByteWriter(call.length + CRC_LENGTH).bytes(call).u32(frameCrc(call, undefined)).finish();
}

function underMask(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => byte ^ (mask[i % CALL_MASK_LENGTH] as number));
}
