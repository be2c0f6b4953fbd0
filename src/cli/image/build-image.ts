import { type Command, Option } from "commander";
import { UsageError } from "../../base/errors.ts";
import type { AddressRange } from "../../image/firmware/memory-map.ts";
import type { Hardware, RevisionRange } from "../../image/hardware.ts";
import {
  COUNTER_MAX,
  COUNTER_USUAL_MAX,
  type ConfirmPolicy,
  type ImageRole,
  RINGS_MAX,
  ROLLOUT_SEED_MAX,
} from "../../image/manifest.ts";
import { SEQUENCE_MAX, type Version } from "../../image/version.ts";
import type { InputFormat } from "../../image-files/input-format.ts";
import { addCommand } from "../help.ts";
import { countParser, parseHardwareFlag, parseRevisionsFlag, parseSize, parseVersionFlag } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";
import { columns } from "../text.ts";
import { imageFields, imageRows } from "./description.ts";
import { collectRanges, inputFields, inputRows, inputWarnings, parseFill } from "./input-flags.ts";

interface BuildFlags {
  readonly in: string;
  readonly out: string;
  readonly hardware: Hardware;
  readonly version: Version;
  readonly hardwareRev?: RevisionRange;
  readonly sequence?: number;
  readonly counter: number;
  readonly blockSize?: number;
  readonly confirm: ConfirmPolicy;
  readonly role: ImageRole;
  readonly rings: number;
  readonly ringSeed: number;
  readonly format: InputFormat;
  readonly only?: readonly AddressRange[];
  readonly fill?: number;
  readonly key?: string;
  readonly force?: boolean;
}

/** Registers `mayday image build`. */
export function addImageBuild(image: Command): void {
  const command = addCommand(image, "build", {
    summary: "make an image file from firmware: raw bytes, Intel HEX, ELF, UF2 or S-records",
    does:
      "Makes an image file: the firmware, and a manifest that states hardware and version. The content of the firmware " +
      "file says what it is; what is no firmware is refused, and a private key always. With --key the manifest is " +
      "signed; boards that trust a key accept no unsigned images. The file appears whole or not at all. Raise the " +
      "security counter, by one, only to bar all images before: boards take it for good. A board with two slots " +
      "keeps its way back until an on-verify image has booted twice, and until a by-app image is confirmed.",
    examples: [
      "mayday image build --in fw.bin --hardware acme/widget --version 1.4.0 --key owner.key --out fw.mdy",
      "mayday image build --in fw.hex --hardware widget --hardware-rev 2-5 --version 1.4.0 --out fw.mdy",
      "mayday image build --in fw.hex --only 0x0-0x7fff --hardware widget --version 1.4.0 --out fw.mdy",
    ],
  });
  command
    .requiredOption("--in <file>", "firmware: raw bytes, Intel HEX, ELF, UF2 or S-records")
    .requiredOption("--hardware <id>", "hardware it is for, [vendor/]class", parseHardwareFlag)
    .requiredOption("--version <version>", "MAJOR.MINOR.PATCH", parseVersionFlag)
    .requiredOption("--out <file>", "image file to write")
    .option("--hardware-rev <a-b>", "hardware revisions it is for; all unless given", parseRevisionsFlag)
    .option(
      "--sequence <n>",
      "orders images, before the version; derived from the version unless given",
      countParser("a sequence number", 0, SEQUENCE_MAX),
    )
    .option(
      "--counter <n>",
      "security counter: boards refuse images below their floor",
      countParser("a security counter", 0, COUNTER_MAX),
      0,
    )
    .option("--block-size <n>", "unit of hashing and programming: a power of two, 1K to 64K", parseSize)
    .addOption(
      new Option("--confirm <policy>", "when a board makes it permanent")
        .choices(["on-verify", "by-app"])
        .default("on-verify"),
    )
    .addOption(
      new Option("--role <role>", "what kind of image it is").choices(["app", "recovery"]).default("app"),
    )
    .option(
      "--rings <n>",
      "rings of boards, of which each takes it as an update some time after the one before",
      countParser("a number of rings", 1, RINGS_MAX),
      1,
    )
    .option(
      "--ring-seed <n>",
      "deals boards into rings: another number, another order",
      countParser("a seed", 0, ROLLOUT_SEED_MAX),
      0,
    )
    .addOption(
      new Option("--format <format>", "format of --in; raw takes the file's own bytes, whatever they are")
        .choices(["auto", "raw", "hex", "elf", "uf2", "srec"])
        .default("auto"),
    )
    .option(
      "--only <range>",
      "take only what --in has at these addresses, FIRST-LAST or FIRST+LENGTH; repeatable",
      collectRanges,
    )
    .option(
      "--fill <byte>",
      "fill gaps with this byte instead of 0xff; allows pieces that are far apart",
      parseFill,
    )
    .option("--key <file>", "private key to sign with (.key); without it the image is unsigned")
    .option("--force", `allow a counter above ${COUNTER_USUAL_MAX}`);
  onRun<BuildFlags>(command, runBuild);
}

/** The floor of a board never falls: what one image with a wrong counter does to it cannot be undone. */
function checkCounter({ counter, force = false }: BuildFlags): void {
  if (counter <= COUNTER_USUAL_MAX || force) return;
  const message =
    `--counter ${counter} is above ${COUNTER_USUAL_MAX}: a board that runs this image refuses all images below that ` +
    "counter for ever. Check the number; if it is meant, give --force";
  throw new UsageError("counter-large", message, { counter, limit: COUNTER_USUAL_MAX });
}

async function runBuild(
  { output }: CommandContext,
  _args: readonly string[],
  flags: BuildFlags,
): Promise<undefined> {
  checkCounter(flags);
  const { buildImageFile } = await import("../../image-files/image-build.ts");
  const { loadSigningKey } = await import("../../image-files/pem-keys.ts");
  const logger = { debug: () => {}, info: () => {}, warn: (text: string) => output.warn(text) };
  const signer = flags.key === undefined ? undefined : loadSigningKey(flags.key, logger);
  const built = await buildImageFile({
    input: flags.in,
    out: flags.out,
    ...flags.hardware,
    ...flags.hardwareRev,
    version: flags.version,
    sequence: flags.sequence,
    counter: flags.counter,
    blockSize: flags.blockSize,
    confirm: flags.confirm,
    role: flags.role,
    rollout: { rings: flags.rings, seed: flags.ringSeed },
    format: flags.format,
    only: flags.only,
    fill: flags.fill,
    signer,
  });
  const shown = { ...built, keyId: signer?.keyId };
  const text = columns([["image", flags.out], ...imageRows(shown), ...inputRows(built.read, built.manifest)]);
  output.result(text, { event: "image", file: flags.out, ...imageFields(shown) });
  output.event({ event: "input", file: flags.in, ...inputFields(built.read, built.manifest) });
  for (const warning of inputWarnings(flags.in, built.read)) output.warn(warning);
  if (signer === undefined) output.warn("the image is not signed: boards that trust a key refuse it");
  return undefined;
}
