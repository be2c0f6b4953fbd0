import { unreachable } from "../../base/assert.ts";
import type { HeardRefusal } from "../../base/refusal.ts";
import type { ChangeKind } from "../../link/strangers/line-changes.ts";
import type { StrangerKind } from "../../link/strangers/stranger.ts";
import type { AdviceTopic } from "../../node/advice.ts";
import type { Seen } from "../../node/diagnosis.ts";
import type { HealthSeen } from "../../node/health-watch.ts";
import { isChange } from "../../node/stranger-names.ts";
import type { KeyMismatch } from "../../session/link-guard.ts";
import { changeCure, echoCure, noiseCure } from "./line-advice.ts";

/** What to try next when a run of `distress`, `rescue` or `status` meets this, in the words of the command line. */
export function adviceOn(topic: AdviceTopic): string | undefined {
  switch (topic.about) {
    case "refusal":
      return topic.mismatch === undefined ? REFUSALS[topic.reason] : MISMATCHES[topic.side][topic.mismatch];
    case "stranger":
      if (isChange(topic.kind)) return changeCure(topic.kind, topic.endpoint);
      return topic.kind === "noise" ? noiseCure(false, topic.endpoint) : STRANGERS[topic.kind];
    case "echo-beside-node":
      return echoCure(topic.endpoint);
    case "not-healthy":
      return NOT_HEALTHY[topic.seen];
    case "unasked":
      return "a boot loader or a shell may read the line; --ask insists";
    case "line":
      return topic.seen === "noise" ? noiseCure(topic.hasFrames, topic.endpoint) : LINES[topic.seen];
    default:
      return unreachable(topic);
  }
}

const SAME_FILE = "give both sides the same file";
const RESCUE_WITH_KEY = "give rescue --link-key with the same file";
const DISTRESS_WITH_KEY = "give distress --link-key with the same file";

const REFUSALS: Readonly<Partial<Record<HeardRefusal, string>>> = {
  signature: "sign with a trusted one, or add its .pub",
  unsigned: "sign the image with image build --key",
  hardware: "compare image inspect and board status",
  counter: "build it with a higher --counter",
  "block-size": "build it with a smaller --block-size",
  protocol: "bring both sides to the same release",
  "link-key": RESCUE_WITH_KEY,
  other: "a later release of mayday may know it",
};

const MISMATCHES: Readonly<Record<"target" | "rescuer", Readonly<Record<KeyMismatch, string>>>> = {
  target: {
    "peer-lacks-key": RESCUE_WITH_KEY,
    "keys-differ": SAME_FILE,
    "we-lack-key": DISTRESS_WITH_KEY,
  },
  rescuer: {
    "peer-lacks-key": `${DISTRESS_WITH_KEY}, or rescue without`,
    "keys-differ": SAME_FILE,
    "we-lack-key": RESCUE_WITH_KEY,
  },
};

const STRANGERS: Readonly<Record<Exclude<StrangerKind, ChangeKind | "noise">, string>> = {
  "esp-boot-log":
    "its firmware starts, or restarts in a loop, on this UART; connect the UART that its recovery image uses, or flash a recovery image",
  "linux-kernel-log": "take console= for this UART off its command line, or connect another UART",
  "login-prompt":
    "stop the getty on this UART (systemctl disable --now serial-getty@…) and start mayday there",
  "shell-prompt": "end it and start mayday there, or connect another UART",
  "u-boot":
    "start the board's recovery image from it (bootcmd or altbootcmd), or connect the UART on which that image listens",
  xmodem: "end it, or send it its file with sx or sb; mayday cannot feed it",
  zmodem: "end it on the other side",
  smp: "use mcumgr with this board, or start its mayday recovery image",
  modem:
    "ModemManager or the like probes this port; have it leave the port alone (udev: ID_MM_DEVICE_IGNORE=1), or unplug the modem",
  stk500: "flash the mayday recovery image with avrdude first, or end avrdude on the other side",
  nmea: "a GPS or ship's instrument is on this port; choose another --link",
  console: "start mayday on the other side, or connect another UART",
  zeros:
    "the line is held low; power the other board, check its TX level, and that TX and ground are not swapped",
  "slower-sender":
    "the other side runs at a lower baud rate; set the same on both sides (?baud=N, such as 57600, 38400, 19200 or 9600)",
  ones: "the line floats or its level is inverted; check that TX is connected and not an RS-232 level on a TTL input",
};

const FIRMWARE = "look at what its console prints and, on a node, at its on-boot hook";

const NOT_HEALTHY: Readonly<Partial<Record<HealthSeen, string>>> = {
  nothing:
    "a board says its status where mayday node runs on it, or its firmware sends beacons; distress ends once it is healed. Give a larger --wait-healthy if it starts slowly",
  trial:
    "have its firmware confirm the image (board confirm, or the on-boot hook of its node), or give a larger --wait-healthy; on a node with a soak time that time counts as well",
  "other-image": "compare board status there; somebody else may have updated it",
  distress: FIRMWARE,
  reverted: `${FIRMWARE}; build an image that confirms itself`,
  again: FIRMWARE,
};

const LINES: Readonly<Partial<Record<Seen, string>>> = {
  "foreign-version": "bring both sides to the same release",
  silence: "check that the other side runs, that TX goes to RX and RX to TX, and that grounds are joined",
  echo: "a loopback jumper, or TX and RX joined; connect the other board",
  console: "a console runs there, not mayday",
};
