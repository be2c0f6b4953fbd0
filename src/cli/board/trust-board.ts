import { type Command, Option } from "commander";
import { toHex } from "../../base/bytes.ts";
import { UsageError } from "../../base/errors.ts";
import type { Board } from "../../board/board.ts";
import type { KeyChange, TrustEntry, TrustReport } from "../../board/trusted-keys.ts";
import type { KeyLimits } from "../../image/keys.ts";
import { COUNTER_MAX, COUNTER_STEP_MAX } from "../../image/manifest.ts";
import { formatVersion } from "../../image/version.ts";
import { addCommand } from "../help.ts";
import type { Output } from "../output.ts";
import { parseMaxCounter, parseMaxStep, trustParts } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";
import { columns } from "../text.ts";

interface TrustFlags {
  readonly key?: string;
  readonly maxCounter?: number;
  readonly maxStep?: number;
  readonly remove?: string;
}

/** Registers `mayday board trust`. */
export function addBoardTrust(parent: Command): void {
  const command = addCommand(parent, "trust <dir>", {
    summary: "look at the keys of a board, limit or retire them",
    does:
      "Shows the keys that a board trusts, what they may sign and up to which security counter. With --key it adds a " +
      "key, or sets the limits of one that it knows; with --remove it trusts a key no longer. Limits are the board's: " +
      "nothing that a key signs changes them. The image that boots must go on to boot, and one key must be left.",
    examples: [
      "mayday board trust board",
      "mayday board trust board --key new.pub",
      "mayday board trust board --key old.pub --max-counter 5",
      "mayday board trust board --remove old.pub",
    ],
    exits: ["4 refused: the board would not boot any more, or would trust no key"],
  });
  command
    .option(
      "--key <pub[:role]>",
      "public key to add, or whose limits to set; :app or :recovery to let it sign only these",
    )
    .option(
      "--max-counter <n>",
      `with --key: refuse its images above this security counter; ${COUNTER_MAX} for no limit`,
      parseMaxCounter,
    )
    .option(
      "--max-step <n>",
      "with --key: refuse its images further above the counter floor, from the first confirmed image on; " +
        `${COUNTER_STEP_MAX} unless given`,
      parseMaxStep,
    )
    .addOption(new Option("--remove <pub>", "public key to trust no longer").conflicts("key"));
  onRun<TrustFlags>(command, runTrust);
}

async function runTrust(
  { output }: CommandContext,
  [dir = ""]: readonly string[],
  { key, remove, maxCounter, maxStep }: TrustFlags,
): Promise<undefined> {
  if (key === undefined && (maxCounter !== undefined || maxStep !== undefined)) {
    throw new UsageError(
      "trust-needs-key",
      "--max-counter and --max-step limit a key: name it with --key PUB",
    );
  }
  const { openBoard } = await import("../../board/board.ts");
  const { distrustKey, trustEntries, trustKey } = await import("../../board/trusted-keys.ts");
  const warn = (text: string): void => output.warn(text);
  if (key !== undefined)
    showChange(output, dir, await trustKey(dir, keyChange(key, { maxCounter, maxStep }), warn));
  if (remove !== undefined) showChange(output, dir, await distrustKey(dir, remove, warn));
  const board = openBoard(dir, { write: false, warn });
  try {
    showKeys(output, board, trustEntries(board));
  } finally {
    board.close();
  }
  return undefined;
}

/** Flags of their own count before what stands behind the key. */
function keyChange(text: string, { maxCounter, maxStep }: KeyLimits): KeyChange {
  const { path, roles, limits } = trustParts(text);
  return {
    path,
    ...(roles.length === 0 ? {} : { roles: [...new Set(roles)] }),
    maxCounter: maxCounter ?? limits.maxCounter,
    maxStep: maxStep ?? limits.maxStep,
  };
}

function showChange(output: Output, dir: string, { change, keyId, warnings }: TrustReport): void {
  const id = toHex(keyId);
  output.result(`${change} key ${id}`, { event: "trust", dir, change, keyId: id });
  for (const warning of warnings) output.warn(warning);
}

function showKeys(output: Output, board: Board, entries: readonly TrustEntry[]): void {
  if (entries.length === 0) output.note("it trusts no key: unsigned images are taken");
  const floor = board.record().counterFloor;
  for (const entry of entries) {
    output.result(columns([[entry.file, entryText(entry, floor)]]), { event: "key", ...entryFields(entry) });
  }
}

function entryText({ keyId, roles, maxCounter, maxStep, images }: TrustEntry, floor: number): string {
  const limit = maxCounter === undefined ? "any counter" : `counters up to ${maxCounter}`;
  const signed = images.map(({ slot, version, counter, isBooting }) => {
    return `slot ${slot} version ${formatVersion(version)} counter ${counter}${isBooting ? " (boots)" : ""}`;
  });
  const what = signed.length === 0 ? "signed nothing that is installed" : `signed ${signed.join(", ")}`;
  return `${toHex(keyId)}, ${roles.join(" and ")}, ${limit}, at most ${maxStep} above the floor of ${floor}; ${what}`;
}

function entryFields({
  file,
  keyId,
  roles,
  maxCounter,
  maxStep,
  images,
}: TrustEntry): Record<string, unknown> {
  return {
    file,
    keyId: toHex(keyId),
    roles,
    maxCounter,
    maxStep,
    images: images.map(({ slot, version, counter, isBooting }) => {
      return { slot, version: formatVersion(version), counter, isBooting };
    }),
  };
}
