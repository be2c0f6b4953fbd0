// What each transfer of a bench needs: a firmware, keys, a signed image of it, and a blank board that trusts the key.
import { writeFileSync } from "node:fs";

const HARDWARE = "bench/board";

/**
 * Makes fw.bin, k.key, k.pub, fw.mdy and the board `board` where `path(name)` says; none of them may be there yet. `run` runs
 * mayday with these words.
 */
export function makeBoardFiles(run, path, image, board) {
  writeFileSync(path("fw.bin"), image);
  run("keygen", "--out", path("k"));
  const what = ["--hardware", HARDWARE, "--version", "1.0.0", "--key", path("k.key")];
  run("image", "build", "--in", path("fw.bin"), ...what, "--out", path("fw.mdy"));
  const flash = ["--flash-size", String(image.length), "--trust", path("k.pub")];
  run("board", "init", path(board), "--hardware", HARDWARE, ...flash);
}
