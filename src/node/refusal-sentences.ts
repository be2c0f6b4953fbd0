import type { HeardRefusal } from "../base/refusal.ts";
import type { KeyMismatch } from "../session/link-guard.ts";
import type { NoneReason } from "../wire/messages.ts";

/** What a refusal by the target means, in the words of its rescuer. */
export const REFUSAL_SENTENCES: Readonly<Record<HeardRefusal, string>> = {
  signature: "the target does not trust the key that signed this image",
  unsigned: "the target takes signed images only",
  hardware: "the image is for other hardware or another revision",
  version: "the target runs this version or a newer one already",
  counter: "the image's security counter is below the target's floor",
  size: "the image does not fit the target's slot",
  "block-size": "the image's blocks are larger than the target can buffer",
  role: "the image is not an application image, or its key may not sign one",
  manifest: "the target cannot read the manifest, or it is not the one offered",
  healthy: "the target boots, and was not asked to update",
  quarantined: "this image failed to confirm on the target too often",
  protocol: "the neighbour speaks another version of the protocol",
  flash: "the target's flash cannot be erased or programmed",
  "link-key": "the target has a link key and this rescuer has none",
  other: "the target gives a reason that this release does not know",
};

/** Why a rescuer that has nothing for this board has nothing, in the words of the board. */
export function noneSentence(reason: NoneReason): string {
  return `a rescuer is there but has nothing for this board: ${NONE_SENTENCES[reason] ?? reason}`;
}

const NONE_SENTENCES: Readonly<Partial<Record<NoneReason, string>>> = {
  "no-image": "its repository holds no image",
  hardware: "its images are for other hardware or another revision",
  version: "it holds nothing newer than what this board runs",
  counter: "the security counters of its images are below this board's floor",
  unsigned: "its images are unsigned, and it may not send those",
  role: "it holds no application image",
  other: "it gives a reason that this release does not know",
};

/** How the link keys of both sides differ, in the words of each side. */
export const MISMATCH_SENTENCES: Readonly<
  Record<"target" | "rescuer", Readonly<Record<KeyMismatch, string>>>
> = {
  target: {
    "peer-lacks-key": "this board has a link key and the rescuer has none",
    "keys-differ": "the rescuer has another link key than this board",
    "we-lack-key": "the rescuer has a link key and this board has none",
  },
  rescuer: {
    "peer-lacks-key": "this rescuer has a link key and the target has none",
    "keys-differ": "the target has another link key than this rescuer",
    "we-lack-key": "the target has a link key and this rescuer has none",
  },
};
