import type { RefusalReason } from "../base/refusal.ts";
import type { StrangerKind } from "../link/strangers/stranger.ts";
import type { KeyMismatch } from "../session/link-guard.ts";
import type { Seen } from "./diagnosis.ts";

/** What something can be tried about: codes and facts of what happened. */
export type AdviceTopic =
  /** The other side, or our link key, refused. `side`: which side of the session we are. */
  | {
      readonly about: "refusal";
      readonly side: "target" | "rescuer";
      readonly reason: RefusalReason;
      readonly mismatch: KeyMismatch | undefined;
    }
  /** Something other than a mayday node was recognised on the line. */
  | { readonly about: "stranger"; readonly kind: StrangerKind }
  /** What a line that brought nobody showed. `hasFrames`: some frames came whole. */
  | { readonly about: "line"; readonly seen: Seen; readonly hasFrames: boolean };

/** What to try next, in the words of the program that runs the node; undefined where it knows nothing. */
export type Advice = (topic: AdviceTopic) => string | undefined;

/** A sentence that says what was seen, and behind it what to try next. */
export function advised(sentence: string, topic: AdviceTopic, advice: Advice | undefined): string {
  const next = advice?.(topic);
  return next === undefined ? sentence : `${sentence}: ${next}`;
}
