import { type Command, Option } from "commander";
import { UsageError } from "../base/errors.ts";
import type { Millis } from "../base/units.ts";
import type { Hardware } from "../image/hardware.ts";
import type { Version } from "../image/version.ts";
import type { Verdict } from "../node/verdict.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { adviceOn } from "./advice/run-advice.ts";
import { stoppedVerdict } from "./command-verdict.ts";
import { addFlagVariables } from "./flag-variables.ts";
import { addCommand } from "./help.ts";
import { HealedHook } from "./hooks/healed-hook.ts";
import { HookRunner } from "./hooks/hook-runner.ts";
import { linkKeyFlag, linkKeyFor } from "./link-key-flag.ts";
import { parseLocator } from "./locator-flags.ts";
import { warnOfOpenLinks } from "./open-link-warnings.ts";
import { addOutputFlags } from "./output-flags.ts";
import { collectLinks, parseHardwareFlag, parseSeconds, parseVersionFlag } from "./parse.ts";
import { openRescueSource } from "./rescue-source.ts";
import { type CommandContext, onRun } from "./run.ts";

interface RescueFlags {
  readonly link: readonly Endpoint[];
  readonly repo?: string;
  readonly image?: string;
  readonly hardware?: Hardware;
  readonly version?: Version;
  readonly allowUnsigned?: boolean;
  readonly once?: boolean;
  readonly eager?: boolean;
  readonly waitHealthy?: Millis;
  readonly locator?: string;
  readonly timeout?: Millis;
  readonly reset?: "dtr" | "rts";
  readonly onHealed?: string;
  readonly linkKey?: string;
  readonly waitForLinks?: boolean;
}

/** Flags that a service sets; those that describe one image or one run have no variable. */
const VARIABLES = [
  "repo",
  "timeout",
  "reset",
  "on-healed",
  "link-key",
  "wait-for-links",
  "eager",
  "wait-healthy",
];

/** Registers `mayday rescue`. */
export function addRescueCommand(program: Command): void {
  const command = addCommand(program, "rescue", {
    does:
      "Listens on all links and heals every board that calls for help, with a suitable image from the repository or " +
      "with the given one. Says nothing on a line before a board was heard there: a boot loader may read it. Only what " +
      "the board's flash lacks is sent. Runs until interrupted; with --once it ends after one board was healed or refused " +
      "the image, or when no image suits one (with a link key that alone does not end it, as anybody can call). The " +
      "board's own keys decide whether it accepts an image.",
    examples: [
      "mayday rescue --link /dev/ttyUSB0 --repo images",
      "mayday rescue --link 'serial:/tmp/b?baud=921600' --image fw.mdy --once --timeout 60",
      "mayday rescue --link /dev/ttyUSB0 --image fw.mdy --once --wait-healthy 60",
      "mayday rescue --link tcp:pi:5000 --image fw.bin --hardware widget --version 1.4.0 --allow-unsigned --once",
    ],
    exits: [
      "3 nobody called within --timeout",
      "4 the board refused the image, or none suits it",
      "6 port missing or busy",
    ],
  });
  command
    .requiredOption(
      "--link <endpoint>",
      "where to listen: a port's path, serial:…, i2c:…, tcp:HOST:PORT, tcp-listen:[HOST:]PORT, rfc2217:HOST:PORT; repeatable",
      collectLinks,
    )
    .option("--repo <dir>", "offer images from this repository")
    .option("--image <file>", "offer this image file (.mdy), or raw bytes with the next three flags")
    .option("--hardware <id>", "hardware that a raw --image is for, [vendor/]class", parseHardwareFlag)
    .option("--version <version>", "version of a raw --image", parseVersionFlag)
    .option("--allow-unsigned", "send unsigned images")
    .option("--once", "end after one board was healed or refused the image, or none suits it")
    .option(
      "--eager",
      "send an image of up to 64 KiB right behind the offer, without waiting for the board's answer; not with a link key",
    )
    .option(
      "--wait-healthy <seconds>",
      "listen this long after each heal for the board's beacon that its image is confirmed, unless the image's policy is on-verify; " +
        "with --once exit 1 without it (default: a heal is enough)",
      parseSeconds,
    )
    .option(
      "--locator <url>",
      "where the --image file lies on a web server: boards that are allowed to fetch it from there",
      parseLocator,
    )
    .option("--timeout <seconds>", "give up after this long without progress (default: never)", parseSeconds)
    .addOption(
      new Option("--reset <line>", "pulse this modem line when a port opens first").choices(["dtr", "rts"]),
    )
    .option(
      "--on-healed <command>",
      "program to run after each healed board, whether it becomes healthy or not, one at a time, with MAYDAY_LINK, MAYDAY_PEER, MAYDAY_DIGEST, MAYDAY_VERSION, " +
        "MAYDAY_PROVEN, MAYDAY_BLOCKS, MAYDAY_BYTES, MAYDAY_SECONDS set; words without a shell (sh -c '...' for one), for at most 300 s",
    )
    .option(
      "--link-key <file>",
      "key of the links: only boards with the same key are healed " +
        "(make one: keygen --link-key, or openssl rand -hex 32 > link.key)",
    );
  command
    .option(
      "--wait-for-links",
      "wait for ports that are missing or busy at the start (default: with --repo or several --link, and without --once)",
    )
    .option("--no-wait-for-links", "exit with 6 when no link can be opened at the start");
  addOutputFlags(command);
  addFlagVariables(command, VARIABLES, ["link"], { repo: "image" });
  onRun<RescueFlags>(command, runRescueCommand);
}

async function runRescueCommand(
  { output, signal, service }: CommandContext,
  _args: readonly string[],
  flags: RescueFlags,
): Promise<Verdict> {
  const warn = (text: string): void => output.warn(text);
  const runner = new HookRunner({ warn, signal });
  const healed = HealedHook.ofFlag(flags.onHealed, { runner, warn });
  const linkKey = await linkKeyFor(await linkKeyFlag(flags.linkKey, output));
  if (flags.eager === true && linkKey !== undefined)
    warn("--eager does nothing on links with a key: an image is sent there once the board has proven itself");
  if (flags.locator !== undefined && flags.image?.endsWith(".mdy") !== true)
    throw new UsageError(
      "locator-without-image",
      "--locator says where one image file lies: give --image FILE.mdy",
    );
  const source = await openRescueSource(flags, output);
  warnOfOpenLinks(flags.link, { hasLinkKey: linkKey !== undefined, takesUnsigned: false }, output);
  const { runRescue } = await import("../node/rescue-node.ts");
  try {
    const verdict = await runRescue({
      links: flags.link,
      repository: source.repository,
      allowUnsigned: flags.allowUnsigned === true,
      offersAnyway: source.isNamed,
      once: flags.once === true,
      isEager: flags.eager === true,
      waitHealthyMs: flags.waitHealthy,
      locatorOf: () => flags.locator,
      linkKey,
      signal,
      advice: adviceOn,
      ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
      waitsForLinks: flags.waitForLinks ?? isCompanion(flags),
      ...(flags.reset === undefined ? {} : { reset: flags.reset }),
      onEvent: (event) => {
        output.nodeEvent(event);
        service?.handle(event);
        healed.handle(event);
      },
    });
    output.endProgress();
    const told = flags.once === true ? verdict : stoppedVerdict(verdict, signal);
    output.linkResult(told);
    await healed.finished();
    return told;
  } finally {
    runner.close();
    await source.close();
  }
}

/** Whether nobody may stand beside it: an adapter that is plugged in later is waited for. One that sends an image by hand is not. */
function isCompanion({ once, repo, link }: RescueFlags): boolean {
  return once !== true && (repo !== undefined || link.length > 1);
}
