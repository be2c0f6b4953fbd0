import { toHex } from "../../base/bytes.ts";
import { formatHardware } from "../../image/hardware.ts";
import { type Manifest, manifestHardwareId } from "../../image/manifest.ts";
import { formatVersion } from "../../image/version.ts";
import { byteText } from "../text.ts";

/** What is shown about an image. */
export interface ImageFactsShown {
  readonly manifest: Manifest;
  readonly digest: Uint8Array;
  readonly isSigned: boolean;
  /** Id of the key it claims to be signed with. */
  readonly keyId?: Uint8Array | undefined;
}

/** An image as fields of a JSON line. */
export function imageFields({ manifest, digest, isSigned, keyId }: ImageFactsShown): Record<string, unknown> {
  return {
    digest: toHex(digest),
    hardware: formatHardware(manifest),
    hardwareId: toHex(manifestHardwareId(manifest)),
    hardwareRev: [manifest.revisionMin, manifest.revisionMax],
    version: formatVersion(manifest.version),
    sequence: manifest.sequence,
    counter: manifest.counter,
    size: manifest.size,
    blockSize: manifest.blockSize,
    blocks: manifest.leafCount,
    root: toHex(manifest.root),
    sha256: toHex(manifest.sha256),
    role: manifest.role,
    confirm: manifest.confirm,
    ...(manifest.rollout.rings === 1
      ? {}
      : { rings: manifest.rollout.rings, ringSeed: manifest.rollout.seed }),
    isSigned,
    keyId: keyId === undefined ? undefined : toHex(keyId),
  };
}

/** An image as names and values for people. */
export function imageRows(image: ImageFactsShown): [string, string][] {
  const { manifest, digest, isSigned, keyId } = image;
  const signer = keyId === undefined ? "" : ` by key ${toHex(keyId)}`;
  return [
    ["digest", toHex(digest)],
    ["hardware", `${formatHardware(manifest)}, revision ${manifest.revisionMin}-${manifest.revisionMax}`],
    ["version", `${formatVersion(manifest.version)} (sequence ${manifest.sequence})`],
    ["counter", String(manifest.counter)],
    ["size", `${byteText(manifest.size)} in ${manifest.leafCount} blocks of ${manifest.blockSize}`],
    ["root", toHex(manifest.root)],
    ["sha256", toHex(manifest.sha256)],
    ["role", `${manifest.role}, confirmed ${manifest.confirm}`],
    ...ringRows(manifest),
    ["signed", isSigned ? `yes${signer}` : "no"],
  ];
}

function ringRows({ rollout }: ImageFactsShown["manifest"]): [string, string][] {
  return rollout.rings === 1 ? [] : [["rings", `${rollout.rings}, seed ${rollout.seed}`]];
}
