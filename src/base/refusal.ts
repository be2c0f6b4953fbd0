/**
 * Why a target refuses an image. The names are part of the JSON output (`refused` events, `verdict.reason`); their
 * numbers on the wire are in PROTOCOL.md section 5.7.
 */
export type RefusalReason =
  | "signature" // signed by a key the board does not trust, or the signature is wrong
  | "unsigned" // not signed, but the board has trusted keys
  | "hardware" // vendor/class differ, or the hardware revision is outside the image's range
  | "version" // older than what a healthy board runs, or the same order with another digest
  | "counter" // security counter below the board's floor
  | "size" // does not fit the slot, or is empty
  | "block-size" // block size beyond what the target can buffer
  | "role" // not an application image, or the key may not sign this role
  | "manifest" // malformed, unknown field, unknown format version
  | "healthy" // the board boots and was not asked to update
  | "quarantined" // this digest failed to confirm too often
  | "protocol" // another protocol version
  | "flash" // the flash failed to erase or program
  | "link-key"; // one side has no link key, or another one

/** Why another node refused. `other`: a reason that this version does not know. */
export type HeardRefusal = RefusalReason | "other";

/** Why a board does not boot (beacon, `board boot`). Numbers on the wire: PROTOCOL.md section 5.2. */
export type BootFailure =
  | "empty" // no image was ever installed
  | "receiving" // an image was being received
  | "hash" // the image's hash tree does not give the signed root
  | "signature" // the stored manifest is not signed by a trusted key
  | "manifest" // the stored manifest is damaged
  | "counter" // below the counter floor
  | "hardware" // made for other hardware
  | "reverted"; // a trial was not confirmed
