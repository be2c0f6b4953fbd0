import { type Command, Option } from "commander";
import { toHex } from "../../base/bytes.ts";
import { FailedError, UsageError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import { ownerTopic } from "../../fleet/fleet-messages.ts";
import { digest16 } from "../../fleet/names.ts";
import type { OwnerWord } from "../../fleet/owner-word.ts";
import { hardwareId } from "../../image/hardware.ts";
import { formatVersion } from "../../image/version.ts";
import { httpUrl } from "../../network/source-url.ts";
import { addCommand } from "../help.ts";
import { parseDuration } from "../node/config-values.ts";
import { countParser } from "../parse.ts";
import { type CommandContext, onRun } from "../run.ts";
import { addBrokerFlags, type BrokerFlags, brokerAccess } from "./broker-flags.ts";

interface WordFlags extends BrokerFlags {
  readonly sign: string;
  readonly for: Millis;
  readonly sequence?: number;
}

interface StopFlags extends WordFlags {
  readonly digest: string;
  readonly reason?: string;
}

interface OfferFlags extends WordFlags {
  readonly image: string;
  readonly url?: readonly string[];
}

/** A broker that is there answers within this. */
const ANSWER_MS: Millis = 15_000;

/** Registers `mayday fleet stop`. */
export function addFleetStop(fleet: Command): void {
  const command = addCommand(fleet, "stop", {
    summary: "hold an image up at all sites",
    does:
      "Publishes an order of the owner, signed with a key of owner-keys: no site asks for this image any more, or hands it on to boards that boot, until the time is over. " +
      "It can only stop: boards that do not boot are still healed, and nothing is installed or removed. A later one about the same image replaces it.",
    examples: [
      "mayday fleet stop --digest 7dcebb86a1b2c3d4 --for 7d --sign owner.key --broker mqtt://localhost --fleet pumps",
    ],
    exits: ["6 the broker cannot be reached"],
  });
  addWordFlags(command)
    .requiredOption("--digest <hex>", "digest of the image, or its first 16 digits", parseDigest)
    .option("--reason <text>", "why, for the logs of the sites");
  onRun<StopFlags>(command, async (context, _args, flags) => {
    const { digest, reason } = flags;
    const word = { ...headOf(flags), word: "stop", digest, ...(reason !== undefined && { reason }) } as const;
    await say(context, flags, word, ownerTopic(flags.fleet, "stop", digest));
    return undefined;
  });
}

/** Registers `mayday fleet offer`. */
export function addFleetOffer(fleet: Command): void {
  const command = addCommand(fleet, "offer", {
    summary: "tell all sites that there is a new image",
    does:
      "Publishes a signed pointer to an image: sites with such hardware learn its version, its digest and where it is. It has no authority: a site that fetches the image " +
      "judges its manifest as it always does.",
    examples: [
      "mayday fleet offer --image fw.mdy --url https://images.example/fw.mdy --sign owner.key --broker mqtt://localhost --fleet pumps",
    ],
    exits: ["6 the broker cannot be reached"],
  });
  addWordFlags(command)
    .requiredOption("--image <file>", "the image file, as sites will fetch it")
    .option("--url <url>", "where it is; repeatable", (url: string, before: readonly string[] = []) => [
      ...before,
      httpUrl(url).href,
    ]);
  onRun<OfferFlags>(command, async (context, _args, flags) => {
    const { openImageFile } = await import("../../image-files/image-file.ts");
    const image = await openImageFile(flags.image);
    await image.close();
    const { manifest } = image;
    const hardware = toHex(hardwareId(manifest.vendor, manifest.hardwareClass));
    const about = {
      version: formatVersion(manifest.version),
      digest: toHex(image.digest),
      urls: flags.url ?? [],
    };
    const word = { ...headOf(flags), word: "offer", hardware, ...about } as const;
    await say(context, flags, word, ownerTopic(flags.fleet, "offers", hardware));
    return undefined;
  });
}

function addWordFlags(command: Command): Command {
  return addBrokerFlags(command)
    .requiredOption("--sign <key>", "the owner's private key, as keygen makes it")
    .addOption(
      new Option("--for <time>", 'how long it counts, such as "12h" or "7d"')
        .argParser(parseFor)
        .default(7 * 86_400_000, "7d"),
    )
    .option(
      "--sequence <n>",
      "rises with each word about the same thing (default: the seconds since 1970)",
      countParser("sequence", 0, Number.MAX_SAFE_INTEGER),
    );
}

function headOf({
  fleet,
  for: forMs,
  sequence,
}: WordFlags): Pick<OwnerWord, "v" | "fleet" | "sequence" | "expires"> {
  const now = Date.now();
  return { v: 1, fleet, sequence: sequence ?? Math.floor(now / 1000), expires: now + forMs };
}

function parseFor(text: string): Millis {
  const forMs = parseDuration(text);
  if (forMs !== undefined && forMs > 0) return forMs;
  throw new UsageError(
    "for",
    `--for ${text}: write a whole number with its unit, such as "12h" or "7d", at most "23d"`,
  );
}

function parseDigest(text: string): string {
  if (/^(?:[0-9a-f]{16}|[0-9a-f]{64})$/.test(text)) return digest16(text);
  throw new UsageError(
    "digest",
    `--digest ${text}: a digest has 64 hexadecimal digits; the first 16 will do`,
  );
}

/** Signs a word and publishes it, retained, until it expires. UsageError `word` for text that no site would read. */
async function say(
  { output }: CommandContext,
  flags: WordFlags,
  word: OwnerWord,
  topic: string,
): Promise<void> {
  const { signWord, openWord } = await import("../../fleet/owner-word.ts");
  const { loadSigningKey } = await import("../../image-files/pem-keys.ts");
  const { trustedKeyOf } = await import("../../image/keys.ts");
  const { publishOnce } = await import("../../fleet/mqtt/publish-once.ts");
  const key = loadSigningKey(flags.sign);
  const payload = signWord(word, key);
  if (typeof openWord(payload, [trustedKeyOf(key, ["app"])]) === "string")
    throw new UsageError(
      "word",
      "no site would read this: look at --url (at most 512 characters, ASCII) and --reason (one line, 80 characters)",
    );
  const expiry = Math.ceil(flags.for / 1000);
  const answer = await publishOnce(
    await brokerAccess(flags, (text) => output.warn(text)),
    { topic, payload, retain: true, expiry },
    ANSWER_MS,
  );
  if (answer !== "taken" && answer !== "nobody")
    throw new FailedError("not-published", `the broker refuses ${topic}: ${answer}; look at its ACL`, {
      topic,
    });
  const heard = answer === "nobody" ? "; no site is connected now, and each hears it when it is" : "";
  output.result(`published in ${topic}${heard}`, {
    event: "published",
    topic,
    word: word.word,
    sequence: word.sequence,
  });
}
