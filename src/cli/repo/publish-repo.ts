import type { Command } from "commander";
import { silentLogger } from "../../base/logger.ts";
import { formatHardware } from "../../image/hardware.ts";
import type { SigningKey } from "../../image/keys.ts";
import { formatVersion } from "../../image/version.ts";
import { INDEX_COUNTER_MAX } from "../../network/index-format.ts";
import type { PublishEvent } from "../../network/publish.ts";
import { shortId } from "../event-text.ts";
import { addCommand } from "../help.ts";
import type { Output } from "../output.ts";
import { countParser } from "../parse.ts";
import { onRun } from "../run.ts";
import { type RepoFlags, tellSkipped } from "./listing.ts";

interface PublishFlags extends RepoFlags {
  readonly out: string;
  readonly key?: string;
  readonly prune?: boolean;
  readonly counter?: number;
  readonly allowUnsigned?: boolean;
}

/** What was done, behind the image. */
const DONE: Readonly<Record<PublishEvent["event"], string>> = {
  published: "published",
  unsigned: "not published: it is not signed (--allow-unsigned)",
  kept: "no longer in the repository, and still published (--prune)",
  pruned: "no longer published",
};

/** Registers `mayday repo publish`. */
export function addRepoPublish(repo: Command): void {
  const command = addCommand(repo, "publish", {
    summary: "make the folder of a web server from a repository",
    does:
      "Makes a folder that any web server can give out, for repo pull and for nodes with [network]: index.json and the images. " +
      "Only what is new is copied, and the index is exchanged last. Its counter grows with each change; with a key it is signed, so " +
      "that an older index is recognised. Everybody may read the folder.",
    examples: [
      "mayday repo publish --repo images --out /var/www/acme --key owner.key",
      "mayday repo publish --repo images --out /var/www/acme --key owner.key --prune",
    ],
  })
    .requiredOption("--repo <dir>", "folder of the repository")
    .requiredOption("--out <dir>", "folder of the web server; made if it is missing")
    .option("--key <file>", "private key to sign the index with")
    .option("--prune", "remove images that the repository does not hold any more")
    .option(
      "--counter <n>",
      "lowest counter of the index, where the one before was lost",
      countParser("a counter of an index (--counter)", 1, INDEX_COUNTER_MAX),
    )
    .option("--allow-unsigned", "publish unsigned images, too");
  onRun<PublishFlags>(command, async ({ output }, _args, flags) => {
    const { repo: dir, out, key, prune = false, counter, allowUnsigned = false } = flags;
    const { openDirectoryRepository } = await import("../../image-files/directory-repository.ts");
    const { publishRepository } = await import("../../network/publish.ts");
    const signer = key === undefined ? undefined : await signingKey(key, output);
    const repository = await openDirectoryRepository(dir);
    try {
      const report = await publishRepository({
        repository,
        out,
        signer,
        prune,
        counter,
        allowUnsigned,
        onEvent: (event) => tell(output, event),
        onSkipped: (skipped) => tellSkipped(output, skipped),
      });
      if (signer === undefined)
        output.warn("the index is not signed: who trusts keys takes nothing from it; give --key");
      const what = `index of counter ${report.counter} with ${report.images} images`;
      const text = report.isNew ? `published ${what}` : `nothing changed: ${what}`;
      output.result(text, { event: "index", ...report });
    } finally {
      await repository.close();
    }
    return undefined;
  });
}

async function signingKey(path: string, output: Output): Promise<SigningKey> {
  const { loadSigningKey } = await import("../../image-files/pem-keys.ts");
  return loadSigningKey(path, { ...silentLogger, warn: (text) => output.warn(text) });
}

function tell(output: Output, { event, image }: PublishEvent): void {
  const { digest, version } = image;
  const hardware = formatHardware(image);
  output.event({ event, digest, hardware, version: formatVersion(version) });
  const text = `${shortId(digest)} ${hardware} ${formatVersion(version)}: ${DONE[event]}`;
  if (event === "unsigned") output.warn(text);
  else output.note(text);
}
