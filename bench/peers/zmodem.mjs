import { lrzszPeer } from "./lrzsz.mjs";

export const ZMODEM = lrzszPeer({
  name: "ZMODEM",
  sender: ["sz", "-b", "-q"],
  receiver: ["rz", "-b", "-q", "-y"],
  // Without a window the sender is a whole queue of the terminal ahead (18 KiB) when it hears of an error.
  settings: [
    { name: "8 KiB blocks, no window", args: ["-8"] },
    { name: "window 8 KiB", args: ["-w", "8192"] },
    { name: "window 4 KiB", args: ["-w", "4096"] },
    { name: "window 2 KiB", args: ["-w", "2048"] },
  ],
});
