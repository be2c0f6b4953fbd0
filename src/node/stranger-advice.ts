import type { Stranger, StrangerKind } from "../link/strangers/stranger.ts";

/** What each kind is, and the next thing to try. */
const ADVICE: Readonly<Record<StrangerKind, string>> = {
  "esp-boot-log":
    "the boot log of an ESP chip: its firmware starts, or restarts in a loop, on this UART; connect the UART that its recovery image uses, or flash a recovery image",
  "linux-kernel-log":
    "the console of a Linux kernel: take console= for this UART off its command line, or connect another UART",
  "login-prompt":
    "a login prompt: stop the getty on this UART (systemctl disable --now serial-getty@…) and start mayday there",
  "shell-prompt": "a shell: end it and start mayday there, or connect another UART",
  "u-boot":
    "U-Boot: start the board's recovery image from it (bootcmd or altbootcmd), or connect the UART on which that image listens",
  xmodem:
    "a receiver of XMODEM or YMODEM, waiting for a file: end it, or send it its file with sx or sb; mayday cannot feed it",
  zmodem: "ZMODEM (sz or rz): end it on the other side",
  smp: "SMP (mcumgr) on a console: use mcumgr with this board, or start its mayday recovery image",
  modem:
    "modem commands: ModemManager or the like probes this port; have it leave the port alone (udev: ID_MM_DEVICE_IGNORE=1), or unplug the modem",
  stk500:
    "STK500 (Arduino boot loader or avrdude): flash the mayday recovery image with avrdude first, or end avrdude on the other side",
  nmea: "NMEA sentences: a GPS or ship's instrument is on this port; choose another --link",
  console: "text of a program that is not mayday: start mayday on the other side, or connect another UART",
  zeros:
    "nothing but zeros: the line is held low; power the other board, check its TX level, and that TX and ground are not swapped",
  ones: "nothing but 0xFF: the line floats or its level is inverted; check that TX is connected and not an RS-232 level on a TTL input",
  "flow-control":
    "a mayday node whose bytes 0x11 and 0x13 vanish: software flow control is on somewhere; switch XON/XOFF off (stty -ixon -ixoff) in the tty, adapter or terminal server between",
  "line-ends":
    "a mayday node whose line ends are translated: set the tty or terminal server between to raw (stty raw -icrnl -onlcr)",
  "seven-bits":
    "a mayday node with seven data bits or a parity bit: set both sides to 8N1 (stty cs8 -parenb -istrip)",
  noise: "bytes, but no frames: try another baud rate (?baud=N), then check levels and ground",
};

/** For people: what was recognised on the line, and what to try next. */
export function adviceOn({ kind, sample }: Stranger, baud: number | undefined): string {
  const rate = kind === "noise" && baud !== undefined ? ` (read at ${baud} baud)` : "";
  const proof = sample === undefined || sample === "" ? "" : ` (${JSON.stringify(sample)})`;
  return `no mayday node; seen${proof}${rate}: ${ADVICE[kind]}`;
}
