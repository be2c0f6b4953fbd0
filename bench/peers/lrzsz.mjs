// What the three protocols of lrzsz have in common. Its programs talk on their standard input and output.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A peer from the names of its two programs, what each gets before the file's name, and the settings to choose from. */
export function lrzszPeer({ name, sender, receiver, settings }) {
  return {
    name,
    package: "lrzsz",
    programs: [sender[0], receiver[0]],
    isOnStandardStreams: true,
    settings,
    prepare: (folder, image) => writeFileSync(join(folder, "fw.bin"), image),
    receiver: () => ({ command: receiver[0], args: receiver.slice(1) }),
    sender: (folder, _end, { args = [] }) => ({
      command: sender[0],
      args: [...sender.slice(1), ...args, join(folder, "fw.bin")],
    }),
    received: (folder) => readFileSync(join(folder, "received", "fw.bin")),
  };
}
