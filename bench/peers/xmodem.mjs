import { lrzszPeer } from "./lrzsz.mjs";

/** Sizes must be multiples of its block, 1 KiB: it transfers no length. */
export const XMODEM = lrzszPeer({
  name: "XMODEM-1K",
  sender: ["sx", "-b", "-q", "-k"],
  receiver: ["rx", "-b", "-q", "-y", "-c", "fw.bin"],
  settings: [{ name: "1 KiB blocks" }],
});
