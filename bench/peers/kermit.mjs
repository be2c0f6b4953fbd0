// C-Kermit, in local mode on the cable's end. Its defaults cost it more than a tenth; what is set here is for its good.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ALWAYS = [
  "set modem type none",
  "set carrier-watch off",
  "set flow none",
  "set parity none",
  "set file type binary",
  "set transfer display none",
  // No "kermit -ir" for a shell at the other end, with a pause after it.
  "set protocol kermit {} {} {}",
  "set delay 0",
  // No half a second with the rate at 0 when it closes the line.
  "set exit hangup off",
  "set attributes off",
  // Random bytes have no runs; the mark of a run would have to be quoted.
  "set repeat counts off",
  "set block-check 3",
  "set retry 100",
];

/** `length` in bytes of a packet; `prefixing` of control characters, of which "none" needs a line without errors. */
const windows = (count, length, prefixing) => [
  "set streaming off",
  `set window ${count}`,
  `set receive packet-length ${length}`,
  `set send packet-length ${length}`,
  `set prefixing ${prefixing}`,
];
/** Its own timeouts are a few seconds. */
const QUICK = ["set receive timeout 1", "set send timeout 1 fixed"];

function kermit({ path }, { commands }, action) {
  const script = [...ALWAYS, ...commands, `set line ${path}`, action, "exit"].join(", ");
  return { command: "kermit", args: ["-H", "-Y", "-C", script] };
}

export const KERMIT = {
  name: "C-Kermit",
  package: "ckermit",
  programs: ["kermit"],
  settings: [
    { name: "packets of 9000 bytes, window 31, no prefixes", commands: windows(31, 9000, "none") },
    { name: "packets of 4000 bytes, window 31", commands: windows(31, 4000, "minimal") },
    { name: "packets of 500 bytes, window 31", commands: [...windows(31, 500, "minimal"), ...QUICK] },
    // A window stands still until its oldest packet has come: with many errors a small one is faster.
    { name: "packets of 250 bytes, window 2", commands: [...windows(2, 250, "minimal"), ...QUICK] },
  ],
  prepare: (folder, image) => writeFileSync(join(folder, "fw.bin"), image),
  receiver: (_folder, end, setting) => kermit(end, setting, "receive"),
  sender: (folder, end, setting) => kermit(end, setting, `send ${join(folder, "fw.bin")}`),
  received: (folder) => readFileSync(join(folder, "received", "fw.bin")),
};
