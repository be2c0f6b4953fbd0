import type { Stranger } from "../link/strangers/stranger.ts";

/** What every machine tells of its line, whatever its role. */
export type LineEvent =
  | { readonly tag: "console"; readonly text: string }
  | { readonly tag: "stranger"; readonly stranger: Stranger }
  | { readonly tag: "link"; readonly state: "echo" | "two-nodes" };
