import { unreachable } from "../../base/assert.ts";
import { toHex } from "../../base/bytes.ts";
import type { BootFailure } from "../../base/refusal.ts";
import type { BootOutcome } from "../../board/boot.ts";
import { formatVersion } from "../../image/version.ts";

/** A boot decision for people: "boot slot 0 version 1.2.3", "recovery: the image in flash is damaged". */
export function bootText(outcome: BootOutcome): string {
  if (outcome.tag === "recovery") return `recovery: ${failureText(outcome.reason)}`;
  const trial = outcome.isTrial ? " trial" : "";
  return `boot slot ${outcome.slot} version ${formatVersion(outcome.image.manifest.version)}${trial}`;
}

/** A boot decision as fields of a JSON line. */
export function bootFields(outcome: BootOutcome): Record<string, unknown> {
  if (outcome.tag === "recovery") return { decision: "recovery", reason: outcome.reason };
  const { slot, isTrial, image } = outcome;
  const { version } = image.manifest;
  return { decision: "boot", slot, version: formatVersion(version), isTrial, digest: toHex(image.digest) };
}

/** Why a board does not boot, for people. */
export function failureText(reason: BootFailure): string {
  switch (reason) {
    case "empty":
      return "no image was ever installed";
    case "receiving":
      return "an image is only partly received";
    case "hash":
      return "the image in flash is damaged";
    case "signature":
      return "the image is not signed by a key the board trusts";
    case "manifest":
      return "the image's manifest in flash is damaged";
    case "counter":
      return "the image's security counter is below the board's floor";
    case "hardware":
      return "the image is made for other hardware";
    case "reverted":
      return "the image on trial was not confirmed";
    default:
      return unreachable(reason);
  }
}
