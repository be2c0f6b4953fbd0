import type { ChangeKind } from "../link/strangers/line-changes.ts";
import type { Stranger, StrangerKind } from "../link/strangers/stranger.ts";
import { type Advice, advised } from "./advice.ts";

const NAMES: Readonly<Record<Exclude<StrangerKind, ChangeKind>, string>> = {
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
  "slower-sender": "bytes with bits that last several of ours",
  noise: "bytes, but no frames",
};

const CHANGES: Readonly<Record<ChangeKind, string>> = {
  telnet: "telnet is between the nodes (FF is doubled or taken out, and options are put in)",
  "flow-control": "software flow control is between the nodes (the bytes 11 and 13, XON and XOFF, vanish)",
  "line-ends":
    "line ends are translated between the nodes (CR, 0D, or LF, 0A, comes as another, doubled or not at all)",
  terminal:
    "a terminal that edits lines is between the nodes (control bytes such as 03, 04, 08 and 7F are taken as keys, or echoed as ^X)",
  "zeros-dropped": "zero bytes vanish between the nodes",
  "seven-bits": "the line has seven data bits, or a parity bit in place of the eighth",
};

/** What of a link is in the sentences about it. */
export interface LinkWords {
  readonly endpoint: string;
  readonly baud: number | undefined;
}

/** A sentence about what was recognized on the line, with `advice` also about what to try next. */
export function strangerText(stranger: Stranger, link: LinkWords, advice: Advice | undefined): string {
  const { endpoint } = link;
  const texts = [stranger.kind, ...(stranger.also ?? [])].map((kind) =>
    advised(sentenceOf({ ...stranger, kind }, link), { about: "stranger", kind, endpoint }, advice),
  );
  return texts.join("; and ");
}

/** Whether frames come, but the line changes their bytes. */
export function isChange(kind: StrangerKind): kind is ChangeKind {
  return kind in CHANGES;
}

function sentenceOf({ kind, sample }: Stranger, { baud }: LinkWords): string {
  if (isChange(kind)) return `frames come, but the line changes their bytes: ${CHANGES[kind]}`;
  const rate = kind === "noise" && baud !== undefined ? ` (read at ${baud} baud)` : "";
  const proof = sample === undefined || sample === "" ? "" : ` (${JSON.stringify(sample)})`;
  return `no mayday node; seen${proof}${rate}: ${NAMES[kind]}`;
}
