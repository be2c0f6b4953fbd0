import { buildHelper, type HelperSource, type NoHelper } from "./helper-build.ts";

const CABLE: HelperSource = { name: "virtual-cable", flags: ["-std=c99", "-O2"], libraries: ["-lm"] };

/** Path of the compiled helper program of the virtual cable, or why there is none. */
export function buildCableHelper(): Promise<string | NoHelper> {
  return buildHelper(CABLE);
}
