import type { Command } from "commander";
import { addCommand } from "./help.ts";
import { onRun } from "./run.ts";

/** Registers `mayday keygen`. */
export function addKeygenCommand(program: Command): void {
  const command = addCommand(program, "keygen", {
    does:
      "Makes an Ed25519 pair as PEM files, as openssl writes them: BASE.key signs images and stays with you (mode " +
      "0600), BASE.pub goes into boards. Existing keys are never overwritten.",
    examples: ["mayday keygen --out owner", "mayday board init board --trust owner.pub …"],
  }).requiredOption("--out <base>", "name of the pair, without .key and .pub");
  onRun<{ readonly out: string }>(command, async ({ output }, _args, { out }) => {
    const { formatKeyId, loadTrustedKey, writeKeyPair } = await import("../image/keys.ts");
    const { keyPath, pubPath } = writeKeyPair(out);
    const keyId = formatKeyId(loadTrustedKey(pubPath, []).keyId);
    output.result(`${keyPath} ${pubPath}`, { event: "keys", key: keyPath, pub: pubPath, keyId });
    output.note(`key id ${keyId}; keep ${keyPath} secret, give ${pubPath} to boards`);
    return undefined;
  });
}
