import type { Command } from "commander";
import { addFlagVariables } from "../flag-variables.ts";
import { addCommand } from "../help.ts";
import { collectTrust, type TrustFlag } from "../parse.ts";
import { onRun } from "../run.ts";
import { columns } from "../text.ts";
import { imageFields, imageRows } from "./description.ts";

/** Registers `mayday image verify`. */
export function addImageVerify(image: Command): void {
  const command = addCommand(image, "verify <file>", {
    summary: "check an image file as a board would",
    does: "Checks an image file's data and its signature. Exits 0 only if one of the given keys signed it.",
    examples: ["mayday image verify fw.mdy --trust owner.pub"],
    exits: ["4 refused (not signed, or not by a trusted key)"],
  }).requiredOption(
    "--trust <pub[:role][:limit]>",
    "public key to trust, :app or :recovery only, up to :max-counter=N; repeatable",
    collectTrust,
  );
  addFlagVariables(command, [], ["trust"]);
  onRun<{ readonly trust: readonly TrustFlag[] }>(command, async ({ output }, [file = ""], { trust }) => {
    const { openImageFile } = await import("../../image-files/image-file.ts");
    const { requireTrusted } = await import("../../image/envelope.ts");
    const { loadTrustedKeys } = await import("../../image-files/pem-keys.ts");
    const { WriteGuard } = await import("../../files/write-guard.ts");
    const guard = new WriteGuard({ warn: (text) => output.warn(text) });
    const keys = trust.flatMap(({ path, roles, ...limits }) =>
      loadTrustedKeys(path, roles, guard).map((key) => ({ ...key, ...limits })),
    );
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
