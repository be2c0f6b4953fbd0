import type { Command } from "commander";
import { unreachable } from "../../base/assert.ts";
import { toHex } from "../../base/bytes.ts";
import { ExitCode } from "../../base/errors.ts";
import type { BootFailure } from "../../base/refusal.ts";
import type { BoardStatus, SlotStatus } from "../../board/board-status.ts";
import type { BootOutcome } from "../../board/boot.ts";
import { formatHardware } from "../../image/hardware.ts";
import { formatVersion } from "../../image/version.ts";
import type { Verdict } from "../../node/verdict.ts";
import { failedVerdict } from "../command-verdict.ts";
import { addCommand } from "../help.ts";
import type { Output } from "../output.ts";
import { onRun } from "../run.ts";
import { columns } from "../text.ts";
import { flashText } from "./flash-flag.ts";

const NOT_BOOTABLE = "5 not bootable";

/** Registers `mayday board boot`. */
export function addBoardBoot(parent: Command): void {
  const command = addCommand(parent, "boot <dir>", {
    summary: "take the boot decision",
    does:
      "Verifies what is in flash, signature and every byte, and says which slot boots, or why none does. Changes " +
      "nothing; with --attempt a trial is counted, as a boot loader does.",
    examples: ["mayday board boot board && echo it boots"],
    exits: [NOT_BOOTABLE],
  }).option("--attempt", "count a trial boot");
  onRun<{ readonly attempt?: boolean }>(command, async ({ output }, [dir = ""], { attempt = false }) => {
    const { openBoard } = await import("../../board/board.ts");
    const board = openBoard(dir, { write: attempt });
    try {
      return tellBoot(output, dir, attempt ? board.attempt() : board.boot());
    } finally {
      board.close();
    }
  });
}

/** Tells a boot decision, and what follows for the exit code. */
export function tellBoot(output: Output, dir: string, outcome: BootOutcome): Verdict | undefined {
  output.result(bootText(outcome), { event: "boot", ...bootFields(outcome) });
  if (outcome.tag === "boot") return undefined;
  const cure = "let a neighbour heal it: mayday distress --link EP --board DIR";
  const detail = `${dir} does not boot: ${failureText(outcome.reason)}; ${cure}`;
  return failedVerdict(ExitCode.notBootable, "board-not-bootable", detail);
}

/** "boot slot 0 version 1.2.3", "recovery hash". */
export function bootText(outcome: BootOutcome): string {
  if (outcome.tag === "recovery") return `recovery ${outcome.reason}`;
  const trial = outcome.isTrial ? " trial" : "";
  return `boot slot ${outcome.slot} version ${formatVersion(outcome.image.manifest.version)}${trial}`;
}

function bootFields(outcome: BootOutcome): Record<string, unknown> {
  if (outcome.tag === "recovery") return { decision: "recovery", reason: outcome.reason };
  const { slot, isTrial, image } = outcome;
  const { version } = image.manifest;
  return { decision: "boot", slot, version: formatVersion(version), isTrial, digest: toHex(image.digest) };
}

/** Why a board does not boot, for people. */
export function failureText(reason: BootFailure): string {
  switch (reason) {
    case "empty":
      return "no image was ever installed";
    case "receiving":
      return "an image is only partly received";
    case "hash":
      return "the image in flash is damaged";
    case "signature":
      return "the image is not signed by a key the board trusts";
    case "manifest":
      return "the image's manifest in flash is damaged";
    case "counter":
      return "the image's security counter is below the board's floor";
    case "hardware":
      return "the image is made for other hardware";
    case "reverted":
      return "the image on trial was not confirmed";
    default:
      return unreachable(reason);
  }
}

/** Registers `mayday board status`. */
export function addBoardStatus(parent: Command): void {
  const command = addCommand(parent, "status <dir>", {
    summary: "show all there is to know of a board",
    does: "Shows identity, boot decision, slots, trusted keys and counters. Changes nothing; exits 0 also if nothing boots.",
    examples: ["mayday board status board", "mayday board status board --json"],
  });
  onRun(command, async ({ output }, [dir = ""]) => {
    const { openBoard } = await import("../../board/board.ts");
    const board = openBoard(dir, { write: false });
    try {
      const status = board.status();
      const flash = flashText(board.config.flash);
      const rows = [...statusRows(status), ["flash", flash] as const];
      output.result(columns(rows), { event: "board", dir, ...statusFields(status), flash });
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
      receiving === undefined ? "nothing" : `${toHex(receiving.digest8)} into slot ${receiving.slot}`,
    ],
    ["counter floor", String(status.counterFloor)],
    ["trusts", keys === "" ? "everyone: unsigned images are taken" : `key ${keys}`],
    ...(status.isRecordTorn
      ? [["boot record", "one copy is torn; the next write mends it"] as [string, string]]
      : []),
  ];
}

function slotText({ installed, manifest }: SlotStatus): string {
  if (installed === undefined || manifest === undefined) return "empty";
  const digest = toHex(installed.digest8);
  if (typeof manifest === "string") return `image ${digest}: ${failureText(manifest)}`;
  const state = installed.isReverted ? "reverted" : installed.isConfirmed ? "confirmed" : "on trial";
  return `version ${formatVersion(manifest.version)}, image ${digest}, ${state}`;
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
      digest: installed && toHex(installed.digest8),
      version: typeof manifest === "object" ? formatVersion(manifest.version) : undefined,
      failure: typeof manifest === "string" ? manifest : undefined,
      isConfirmed: installed?.isConfirmed,
      attempts: installed?.attempts,
    })),
    receiving: receiving && { digest: toHex(receiving.digest8), slot: receiving.slot },
    counterFloor: status.counterFloor,
    trustedKeys: status.trustedKeys.map(toHex),
    isRecordTorn: status.isRecordTorn,
  };
}

/** Registers `mayday board confirm`. */
export function addBoardConfirm(parent: Command): void {
  const command = addCommand(parent, "confirm <dir>", {
    summary: "confirm that the image that boots is healthy",
    does: "Takes the image that boots for good, and raises the board's counter floor to the image's counter.",
    examples: ["mayday board confirm board"],
    exits: [NOT_BOOTABLE],
  });
  onRun(command, async ({ output }, [dir = ""]) => {
    const { openBoard } = await import("../../board/board.ts");
    const board = openBoard(dir, { write: true });
    try {
      const { slot, manifest, digest } = board.confirm();
      const version = formatVersion(manifest.version);
      const fields = { slot, version, digest: toHex(digest), counterFloor: board.record().counterFloor };
      output.result(`confirmed slot ${slot} version ${version}`, { event: "confirmed", ...fields });
    } finally {
      board.close();
    }
    return undefined;
  });
}
