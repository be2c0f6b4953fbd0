import type { Millis } from "../base/units.ts";
import type { Assembly } from "./assembly.ts";
import type { SessionIdentity } from "./identity.ts";
import type { Lease } from "./patience.ts";
import type { Receiving } from "./receiving.ts";

/** What a target is about (PROTOCOL.md 6.1). */
export type TargetState =
  | { readonly tag: "calling" }
  | {
      readonly tag: "accepting";
      readonly peer: SessionIdentity;
      readonly lease: Lease;
      manifest: Assembly | undefined;
      repeatAt: Millis;
    }
  | { readonly tag: "checking"; readonly peer: SessionIdentity }
  | { readonly tag: "receiving"; readonly peer: SessionIdentity; readonly receiving: Receiving }
  | { readonly tag: "committing"; readonly peer: SessionIdentity }
  | { readonly tag: "done"; readonly peer: SessionIdentity; repeatAt: Millis; readonly until: Millis }
  | { readonly tag: "stopped" };
