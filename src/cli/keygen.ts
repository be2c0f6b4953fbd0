import type { Command } from "commander";
import { UsageError } from "../base/errors.ts";
import { addCommand } from "./help.ts";
import type { Output } from "./output.ts";
import { onRun } from "./run.ts";

interface KeygenFlags {
  readonly out?: string;
  readonly linkKey?: string;
}

/** Registers `mayday keygen`. */
export function addKeygenCommand(program: Command): void {
  const command = addCommand(program, "keygen", {
    does:
      "Makes an Ed25519 key pair as PEM files, in openssl's format: BASE.key signs images and must stay secret (mode " +
      "0600), BASE.pub goes into boards. With --link-key it makes a link key, which both ends of a link share: it " +
      "decides who may talk, never which firmware is accepted. Existing keys are never overwritten.",
    examples: [
      "mayday keygen --out owner",
      "mayday board init board --trust owner.pub …",
      "mayday keygen --link-key link.key",
    ],
  })
    .option("--out <base>", "name of the key pair, without .key and .pub")
    .option("--link-key <file>", "make a link key in this file (mode 0600)");
  onRun<KeygenFlags>(command, async ({ output }, _args, { out, linkKey }) => {
    if (out === undefined && linkKey === undefined) {
      throw new UsageError(
        "missing-mandatory-option-value",
        "give --out BASE for a signing key pair, or --link-key FILE; see mayday keygen --help",
      );
    }
    if (out !== undefined) await makePair(output, out);
    if (linkKey !== undefined) await makeLinkKey(output, linkKey);
    return undefined;
  });
}

async function makePair(output: Output, out: string): Promise<void> {
  const { loadTrustedKey, writeKeyPair } = await import("../image-files/pem-keys.ts");
  const { formatKeyId } = await import("../image/keys.ts");
  const { keyPath, pubPath } = writeKeyPair(out);
  const keyId = formatKeyId(loadTrustedKey(pubPath, []).keyId);
  output.result(`${keyPath} ${pubPath}`, { event: "keys", key: keyPath, pub: pubPath, keyId });
  output.note(`key id ${keyId}; keep ${keyPath} secret, give ${pubPath} to boards`);
}

async function makeLinkKey(output: Output, path: string): Promise<void> {
  const { writeFreshLinkKey } = await import("../files/link-key-file.ts");
  writeFreshLinkKey(path);
  output.result(path, { event: "link-key", linkKey: path });
  output.note(`keep ${path} secret; give it to board init, or distress, and to rescue, as --link-key`);
}
