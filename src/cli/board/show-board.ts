import type { Command } from "commander";
import { toHex } from "../../base/bytes.ts";
import type { BoardStatus, SlotStatus } from "../../board/board-status.ts";
import type { LoggedRefusal } from "../../board/refusal-log.ts";
import type { SlotRecord } from "../../flash/record/record-state.ts";
import { formatHardware } from "../../image/hardware.ts";
import { shortDigest } from "../../image/manifest.ts";
import { formatVersion } from "../../image/version.ts";
import { addCommand } from "../help.ts";
import { onRun } from "../run.ts";
import { columns } from "../text.ts";
import { bootFields, bootText, failureText } from "./boot-text.ts";
import { flashText } from "./flash-flag.ts";
import { mapFields, mapRows } from "./geometry-flags.ts";

/** Registers `mayday board status`. */
export function addBoardStatus(parent: Command): void {
  const command = addCommand(parent, "status <dir>", {
    summary: "show everything about a board",
    does:
      "Shows identity, boot decision, slots, trusted keys, counters, the map of the flash and the last refusals. Changes " +
      "nothing; exits 0 even if nothing boots.",
    examples: ["mayday board status board", "mayday board status board --json"],
  });
  onRun(command, async ({ output }, [dir = ""]) => {
    const { openBoard } = await import("../../board/board.ts");
    const { readRefusals } = await import("../../board/refusal-log.ts");
    const board = openBoard(dir, { write: false, warn: (text) => output.warn(text) });
    try {
      const status = board.status();
      const flash = flashText(board.config.flash);
      const { refusals, warning } = readRefusals(dir);
      const rows = [...statusRows(status), ["flash", flash] as const, ...mapRows(board.map)];
      const fields = { ...statusFields(status), flash, map: mapFields(board.map), refusals };
      output.result(columns([...rows, ...refusalRows(refusals)]), { event: "board", dir, ...fields });
      if (warning !== undefined) output.warn(warning);
    } finally {
      board.close();
    }
    return undefined;
  });
}

function statusRows(status: BoardStatus): [string, string][] {
  const { identity, receiving } = status;
  const keys = status.trustedKeys.map(toHex).join(", ");
  return [
    ["node id", toHex(identity.nodeId)],
    ["hardware", `${formatHardware(identity.hardware)}, revision ${identity.revision}`],
    ["decision", bootText(status.boot)],
    ...status.slots.map((slot): [string, string] => [`slot ${slot.slot}`, slotText(slot)]),
    [
      "receiving",
      receiving === undefined
        ? "nothing"
        : `${toHex(shortDigest(receiving.digest))} into slot ${receiving.slot}`,
    ],
    ["counter floor", String(status.counterFloor)],
    ["trusts", keys === "" ? "everyone: unsigned images are taken" : `key ${keys}`],
    ...(status.isRecordTorn
      ? [["boot record", "one copy is torn; the next write repairs it"] as [string, string]]
      : []),
  ];
}

function slotText({ installed, manifest }: SlotStatus): string {
  if (installed === undefined || manifest === undefined) return "empty";
  const digest = toHex(shortDigest(installed.digest));
  if (typeof manifest === "string") return `image ${digest}: ${failureText(manifest)}`;
  return `version ${formatVersion(manifest.version)}, image ${digest}, ${stateText(installed)}`;
}

function stateText({ isReverted, isConfirmed, isUnproven, attempts }: SlotRecord): string {
  if (isReverted) return "reverted";
  if (!isConfirmed) return "on trial";
  if (isUnproven !== true) return "confirmed";
  const until = attempts === 0 ? "its second boot" : "its next boot";
  return `confirmed, but never proven: floor and way back wait for ${until}, or a confirm`;
}

/** The last refusals, newest first. */
function refusalRows(refusals: readonly LoggedRefusal[]): [string, string][] {
  return refusals.toReversed().map(({ at, count, reason, detail, digest, peer }, i) => {
    const what = digest === undefined ? "an offer" : `image ${digest}`;
    const who = peer === undefined ? "" : ` from ${peer}`;
    const times = count === 1 ? "" : ` (${count} times)`;
    return [i === 0 ? "refused" : "", `${at} ${what}${who}: ${reason}, ${detail}${times}`];
  });
}

function statusFields(status: BoardStatus): Record<string, unknown> {
  const { identity, receiving } = status;
  return {
    nodeId: toHex(identity.nodeId),
    hardware: formatHardware(identity.hardware),
    hardwareId: toHex(status.hardwareId8),
    revision: identity.revision,
    boot: bootFields(status.boot),
    slots: status.slots.map(({ slot, installed, manifest }) => ({
      slot,
      digest: installed && toHex(shortDigest(installed.digest)),
      version: typeof manifest === "object" ? formatVersion(manifest.version) : undefined,
      failure: typeof manifest === "string" ? manifest : undefined,
      isConfirmed: installed?.isConfirmed,
      attempts: installed?.attempts,
      isUnproven: installed && installed.isUnproven === true,
    })),
    receiving: receiving && { digest: toHex(shortDigest(receiving.digest)), slot: receiving.slot },
    counterFloor: status.counterFloor,
    trustedKeys: status.trustedKeys.map(toHex),
    isRecordTorn: status.isRecordTorn,
  };
}
