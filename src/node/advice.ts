import type { HeardRefusal } from "../base/refusal.ts";
import type { StrangerKind } from "../link/strangers/stranger.ts";
import type { KeyMismatch } from "../session/link-guard.ts";
import type { Seen } from "./diagnosis.ts";
import type { HealthSeen } from "./health-watch.ts";

/** What advice is asked about: codes and facts. `endpoint`: as the user wrote it. */
export type AdviceTopic =
  /** An image or a link key was refused. `side`: the role of this node in the session. */
  | {
      readonly about: "refusal";
      readonly side: "target" | "rescuer";
      readonly reason: HeardRefusal;
      readonly mismatch: KeyMismatch | undefined;
    }
  /** Something other than a mayday node was recognized on the line. */
  | { readonly about: "stranger"; readonly kind: StrangerKind; readonly endpoint: string }
  /** Another node is on the line, and own frames come back as well. */
  | { readonly about: "echo-beside-node"; readonly endpoint: string }
  /** A healed board did not say in time that its firmware works. */
  | { readonly about: "not-healthy"; readonly seen: HealthSeen }
  /** Nothing was asked, because text came and a boot loader or a shell may read the line. */
  | { readonly about: "unasked" }
  /** No node was found on the line. `hasFrames`: some valid frames were received. */
  | {
      readonly about: "line";
      readonly seen: Seen;
      readonly hasFrames: boolean;
      readonly endpoint: string;
    };

/** Returns what to try next, in the words of the program that runs the node; undefined for no advice. */
export type Advice = (topic: AdviceTopic) => string | undefined;

/** Appends what to try next to a sentence that says what was seen. */
export function advised(sentence: string, topic: AdviceTopic, advice: Advice | undefined): string {
  const next = advice?.(topic);
  return next === undefined ? sentence : `${sentence}: ${next}`;
}
