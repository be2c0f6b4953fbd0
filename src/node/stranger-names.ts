import type { Stranger, StrangerKind } from "../link/strangers/stranger.ts";
import { type Advice, advised } from "./advice.ts";

const NAMES: Readonly<Record<StrangerKind, string>> = {
  "esp-boot-log": "the boot log of an ESP chip",
  "linux-kernel-log": "the console of a Linux kernel",
  "login-prompt": "a login prompt",
  "shell-prompt": "a shell",
  "u-boot": "U-Boot",
  xmodem: "a receiver of XMODEM or YMODEM, waiting for a file",
  zmodem: "ZMODEM (sz or rz)",
  smp: "SMP (mcumgr) on a console",
  modem: "modem commands",
  stk500: "STK500 (Arduino boot loader or avrdude)",
  nmea: "NMEA sentences",
  console: "text of a program that is not mayday",
  zeros: "nothing but zeros",
  ones: "nothing but 0xFF",
  "flow-control": "a mayday node whose bytes 0x11 and 0x13 vanish",
  "line-ends": "a mayday node whose line ends are translated",
  "seven-bits": "a mayday node with seven data bits or a parity bit",
  noise: "bytes, but no frames",
};

/** A sentence about what was recognized on the line, with `advice` also about what to try next. */
export function strangerText(
  { kind, sample }: Stranger,
  baud: number | undefined,
  advice: Advice | undefined,
): string {
  const rate = kind === "noise" && baud !== undefined ? ` (read at ${baud} baud)` : "";
  const proof = sample === undefined || sample === "" ? "" : ` (${JSON.stringify(sample)})`;
  const sentence = `no mayday node; seen${proof}${rate}: ${NAMES[kind]}`;
  return advised(sentence, { about: "stranger", kind }, advice);
}
