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
  | "flow-control" // a mayday node, but XON and XOFF are taken out
  | "line-ends" // a mayday node, but CR and LF are translated
  | "seven-bits" // a mayday node, but the eighth bit is cut off or is parity
  | "noise";

export interface Stranger {
  readonly kind: StrangerKind;
  /** The text that it was recognised by: printable, at most 60 characters. */
  readonly sample?: string;
}
