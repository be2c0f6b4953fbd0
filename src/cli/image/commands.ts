import { type Command, Option } from "commander";
import type { Hardware, RevisionRange } from "../../image/hardware.ts";
import type { InputFormat } from "../../image/image-build.ts";
import type { ConfirmPolicy, ImageRole } from "../../image/manifest.ts";
import type { Version } from "../../image/version.ts";
import { addCommand, addGroup } from "../help.ts";
import {
  collectTrust,
  countParser,
  parseHardwareFlag,
  parseRevisionsFlag,
  parseSize,
  parseVersionFlag,
  type TrustFlag,
} from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";
import { columns } from "../text.ts";
import { imageFields, imageRows } from "./description.ts";

const COUNTER_MAX = 0xffff_ffff;
const SEQUENCE_MAX = 0xffff_ffff_ffff;

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
  readonly format: InputFormat;
  readonly key?: string;
}

/** Registers `mayday image build|inspect|verify`. */
export function addImageCommands(program: Command): void {
  const image = addGroup(program, "image", "make, show and check image files (.mdy)");
  addBuild(image);
  addInspect(image);
  addVerify(image);
}

function addBuild(image: Command): void {
  const command = addCommand(image, "build", {
    summary: "make an image file of raw bytes or Intel HEX",
    does:
      "Makes an image file: the firmware, and a manifest that says what it is for. With --key the manifest is signed; " +
      "boards that trust a key take no other images. The file appears whole or not at all.",
    examples: [
      "mayday image build --in fw.bin --hardware acme/widget --version 1.4.0 --key owner.key --out fw.mdy",
      "mayday image build --in fw.hex --hardware widget --hardware-rev 2-5 --version 1.4.0 --out fw.mdy",
    ],
  });
  command
    .requiredOption("--in <file>", "firmware: raw bytes or Intel HEX (gaps are filled with 0xFF)")
    .requiredOption("--hardware <id>", "boards it is for, [vendor/]class", parseHardwareFlag)
    .requiredOption("--version <version>", "MAJOR.MINOR.PATCH", parseVersionFlag)
    .requiredOption("--out <file>", "image file to write")
    .option("--hardware-rev <a-b>", "hardware revisions it fits; all unless given", parseRevisionsFlag)
    .option(
      "--sequence <n>",
      "orders images before the version does; follows from the version unless given",
      countParser("a sequence number", 0, SEQUENCE_MAX),
    )
    .option(
      "--counter <n>",
      "security counter: boards refuse what is below their floor",
      countParser("a security counter", 0, COUNTER_MAX),
      0,
    )
    .option("--block-size <n>", "unit of hashing and programming: a power of two, 1K to 64K", parseSize)
    .addOption(
      new Option("--confirm <policy>", "when a board takes it for good")
        .choices(["on-verify", "by-app"])
        .default("on-verify"),
    )
    .addOption(new Option("--role <role>", "what it replaces").choices(["app", "recovery"]).default("app"))
    .addOption(new Option("--format <format>", "of --in").choices(["auto", "raw", "hex"]).default("auto"))
    .option("--key <file>", "private key to sign with (.key); unsigned without");
  onRun<BuildFlags>(command, runBuild);
}

async function runBuild(
  { output }: CommandContext,
  _args: readonly string[],
  flags: BuildFlags,
): Promise<undefined> {
  const { buildImageFile } = await import("../../image/image-build.ts");
  const { loadSigningKey } = await import("../../image/keys.ts");
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
    format: flags.format,
    signer,
  });
  const shown = { ...built, keyId: signer?.keyId };
  const text = columns([["image", flags.out], ...imageRows(shown)]);
  output.result(text, { event: "image", file: flags.out, ...imageFields(shown) });
  if (signer === undefined) output.warn("it is not signed: boards that trust a key refuse it");
  return undefined;
}

function addInspect(image: Command): void {
  const command = addCommand(image, "inspect <file>", {
    summary: "show what an image file says of itself",
    does: "Shows an image file's manifest, after its data was found to match it. Looks at no key.",
    examples: ["mayday image inspect fw.mdy"],
  });
  onRun(command, async ({ output }, [file = ""]) => {
    const { openImageFile } = await import("../../image/image-file.ts");
    const opened = await openImageFile(file);
    await opened.close();
    output.result(columns(imageRows(opened)), { event: "image", file, ...imageFields(opened) });
    return undefined;
  });
}

function addVerify(image: Command): void {
  const command = addCommand(image, "verify <file>", {
    summary: "check an image file as a board would",
    does: "Checks an image file's data and its signature. Exits 0 only if one of the given keys signed it.",
    examples: ["mayday image verify fw.mdy --trust owner.pub"],
    exits: ["4 refused (not signed, or not by a trusted key)"],
  }).requiredOption(
    "--trust <pub[:role]>",
    "public key to trust, :app or :recovery only; repeatable",
    collectTrust,
  );
  onRun<{ readonly trust: readonly TrustFlag[] }>(command, async ({ output }, [file = ""], { trust }) => {
    const { openImageFile } = await import("../../image/image-file.ts");
    const { requireTrusted } = await import("../../image/envelope.ts");
    const { loadTrustedKey } = await import("../../image/keys.ts");
    const keys = trust.map(({ path, roles }) => loadTrustedKey(path, roles));
    const opened = await openImageFile(file);
    await opened.close();
    requireTrusted(opened.envelope, { keys, allowUnsigned: false }, file);
    output.result(columns([["verified", file], ...imageRows(opened)]), {
      event: "image",
      file,
      ...imageFields(opened),
    });
    return undefined;
  });
}
