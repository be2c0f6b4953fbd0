// mayday: a target without an image, and a rescuer that has it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MAIN, mayday } from "../../hw-loopback/lib.mjs";
import { makeBoardFiles } from "../board-files.mjs";

function command(name, { path, baud }, ...args) {
  const link = ["--link", `serial:${path}?baud=${baud}`, "--timeout", "600"];
  return { command: process.execPath, args: [MAIN, name, ...link, ...args, "--json"] };
}

export const MAYDAY = {
  name: "mayday",
  programs: [],
  settings: [{ name: "" }],
  /** Image and board are made before the clock runs: this happens elsewhere and earlier. */
  prepare(folder, image) {
    makeBoardFiles(mayday, (name) => join(folder, name), image, "board");
  },
  receiver: (folder, end) => command("distress", end, "--board", join(folder, "board")),
  sender: (folder, end) => command("rescue", end, "--image", join(folder, "fw.mdy"), "--once"),
  received(folder) {
    mayday("board", "read", join(folder, "board"), "--out", join(folder, "back.bin"));
    return readFileSync(join(folder, "back.bin"));
  },
};
