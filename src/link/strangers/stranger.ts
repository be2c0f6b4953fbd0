import type { ChangeKind } from "./line-changes.ts";

/** What is on a line on which no mayday node is heard. Part of the JSON output: add, never rename. */
export type StrangerKind =
  | "esp-boot-log"
  | "linux-kernel-log"
  | "login-prompt"
  | "shell-prompt"
  | "u-boot"
  | "xmodem"
  | "zmodem"
  | "smp"
  | "modem"
  | "stk500"
  | "nmea"
  | "console" // text of unknown origin
  | "zeros" // line held low, break
  | "ones" // endless 0xFF
  | "slower-sender" // bits that last several times as long as ours
  | ChangeKind // a mayday node whose bytes are changed on their way
  | "noise";

export interface Stranger {
  readonly kind: StrangerKind;
  /** The text that it was recognised by: printable, at most 60 characters. */
  readonly sample?: string;
  /** What else the line does to the bytes of frames. */
  readonly also?: readonly ChangeKind[];
}
