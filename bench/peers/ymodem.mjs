import { lrzszPeer } from "./lrzsz.mjs";

export const YMODEM = lrzszPeer({
  name: "YMODEM",
  sender: ["sb", "-b", "-q", "-k"],
  receiver: ["rb", "-b", "-q", "-y"],
  settings: [{ name: "1 KiB blocks" }],
});
