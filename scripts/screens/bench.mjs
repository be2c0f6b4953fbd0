// The folder that all screens are taken in: keys, an image in a repository, and two virtual cables.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mayday, startCable } from "../../hw-loopback/lib.mjs";
import { Terminals } from "./terminal.mjs";

/** Fifteen blocks: 5 s at 115200 baud. */
const FIRMWARE_BYTES = 60_000;

/** Runs `work(bench, terminals)`, and removes everything after it. `digest`: the image's, its first digits. */
export async function withBench(work) {
  const dir = mkdtempSync(join(tmpdir(), "mayday-screens-"));
  const path = (name) => join(dir, name);
  const terminals = new Terminals(dir);
  const cables = [];
  try {
    writeFileSync(path("fw.bin"), randomBytes(FIRMWARE_BYTES));
    mayday("keygen", "--out", path("owner"));
    const what = ["--hardware", "acme/pump", "--version", "1.4.0", "--key", path("owner.key")];
    mayday("image", "build", "--in", path("fw.bin"), ...what, "--out", path("fw.mdy"));
    mayday("repo", "add", path("fw.mdy"), "--repo", path("images"));
    const [described] = String(mayday("image", "inspect", path("fw.mdy"), "--json")).split("\n");
    const digest = JSON.parse(described).digest.slice(0, 8);
    for (const i of [1, 2])
      cables.push(await startCable("--a", path(`a${i}`), "--b", path(`b${i}`), "--baud", "115200"));
    return await work({ dir, digest }, terminals);
  } finally {
    terminals.close();
    for (const cable of cables) await cable.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
