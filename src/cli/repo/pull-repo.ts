import { uptime } from "node:os";
import type { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import type { TrustPolicy } from "../../image/envelope.ts";
import type { Hardware } from "../../image/hardware.ts";
import { type NetworkRange, parseNetworkRange } from "../../network/address-guard.ts";
import { sourceUrl } from "../../network/source-url.ts";
import { interruptedVerdict } from "../command-verdict.ts";
import { addFlagVariables } from "../flag-variables.ts";
import { addCommand } from "../help.ts";
import type { Output } from "../output.ts";
import { collectTrust, parseBudget, parseHardwareFlag, type TrustFlag } from "../parse.ts";
import { onRun } from "../run.ts";
import type { RepoFlags } from "./listing.ts";
import { PullOutput } from "./pull-output.ts";

interface PullFlags extends RepoFlags {
  readonly from: URL;
  readonly trust?: readonly TrustFlag[];
  readonly allowUnsigned?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly certKey?: string;
  readonly budget?: number;
  readonly allowAddress?: readonly NetworkRange[];
  readonly hardware?: readonly Hardware[];
  readonly again?: boolean;
}

/** Registers `mayday repo pull`. */
export function addRepoPull(repo: Command): void {
  const command = addCommand(repo, "pull", {
    summary: "fetch the images that a web server publishes",
    does:
      "Puts the images that are new on a web server (repo publish) into a repository folder, which is made if needed. An image is " +
      "fetched when the first bytes of its file say that a trusted key signed it, and appears when all of it is right. What was " +
      "fetched in part is continued the next time. A server can hold images back; it cannot put one in.",
    examples: [
      "mayday repo pull --repo images --from https://images.example.org/acme/ --trust owner.pub",
      "mayday repo pull --repo images --from https://192.168.7.2/ --trust owner.pub --ca ca.pem --allow-address 192.168.7.2",
    ],
    exits: [
      "3 the server does not answer, or not in time",
      "4 refused (signature, older index, other image than the index says)",
    ],
  });
  command
    .requiredOption("--repo <dir>", "folder of the repository")
    .requiredOption("--from <url>", "folder of the web server that index.json is in", sourceUrl)
    .option(
      "--trust <pub[:role][:limit]>",
      "public key of images and index, :app or :recovery only, up to :max-counter=N; repeatable",
      collectTrust,
    )
    .option("--allow-unsigned", "take unsigned images; not together with --trust")
    .option("--ca <file>", "certificates to trust instead of those of the system")
    .option("--cert <file>", "certificate of this client")
    .option("--cert-key <file>", "its private key")
    .option("--budget <size>", "most bytes in any 24 hours, such as 50M", parseBudget)
    .option(
      "--allow-address <range>",
      "also connect to these addresses, such as 192.168.7.0/24, which are not public; repeatable",
      collectRange,
    )
    .option("--hardware <id>", "only images for this hardware; repeatable", collectHardware)
    .option("--again", "try again what failed for good with this index");
  addFlagVariables(command, [], ["trust"]);
  onRun<PullFlags>(command, async ({ output, signal }, _args, flags) => {
    const { repo: dir, from: url, hardware = [], allowAddress = [], again } = flags;
    const trust = await trustOf(flags, output);
    const { AddressGuard } = await import("../../network/address-guard.ts");
    const { loadTls } = await import("../../files/tls-files.ts");
    const { PullFolder } = await import("../../network/pull-folder.ts");
    const { pullRound } = await import("../../network/pull-round.ts");
    const tls = loadTls(flags, (text) => output.warn(text));
    const shown = new PullOutput(output, { endsWithIndex: true });
    const folder = await PullFolder.open(dir);
    try {
      const outcome = await pullRound(folder, {
        url,
        trust,
        hardware,
        tls,
        again,
        signal,
        budget: flags.budget ?? Number.POSITIVE_INFINITY,
        guard: new AddressGuard(allowAddress),
        uptimeMs: () => uptime() * 1000,
        onEvent: (event) => shown.handle(event),
      });
      if (signal.aborted) return interruptedVerdict();
      const error = shown.errorOf(outcome);
      if (error !== undefined) throw error;
      if (outcome.pulled === 0) output.note("nothing new");
      return undefined;
    } finally {
      await folder.close();
    }
  });
}

function collectRange(text: string, earlier: readonly NetworkRange[] = []): readonly NetworkRange[] {
  return [...earlier, parseNetworkRange(text)];
}

function collectHardware(text: string, earlier: readonly Hardware[] = []): readonly Hardware[] {
  return [...earlier, parseHardwareFlag(text)];
}

async function trustOf(
  { trust = [], allowUnsigned = false }: PullFlags,
  output: Output,
): Promise<TrustPolicy> {
  if ((trust.length === 0) === !allowUnsigned) {
    const message =
      trust.length === 0
        ? "no key says which images are right; give --trust PUB, or --allow-unsigned"
        : "--trust and --allow-unsigned are given together; who trusts keys takes nothing unsigned";
    throw new UsageError("trust-missing", message);
  }
  const { loadTrustedKeys } = await import("../../image-files/pem-keys.ts");
  const { WriteGuard } = await import("../../files/write-guard.ts");
  const guard = new WriteGuard({ warn: (text) => output.warn(text) });
  const keys = trust.flatMap(({ path, roles, ...limits }) =>
    loadTrustedKeys(path, roles, guard).map((key) => ({ ...key, ...limits })),
  );
  return { keys, allowUnsigned };
}
