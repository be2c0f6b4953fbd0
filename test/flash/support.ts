import { MaydayError } from "../../src/base/errors.ts";
import type { Random } from "../../src/base/prng.ts";
import type { NorFlash } from "../../src/flash/nor-flash.ts";
import { CutFlash, type CutKind, cutOperation, PowerCut } from "../../src/sim/power-cuts/power-cut.ts";
import type { TornStorage } from "../../src/sim/power-cuts/torn-storage.ts";

/**
 * Cuts the power at the `at`th operation (from 1; 0 for never). Programming over torn bits is an error, unless
 * `isLax`: then they stay torn.
 */
export function flashCutAt(
  inner: NorFlash,
  storage: TornStorage,
  random: Random,
  at: number,
  cut: CutKind,
  isLax = false,
): CutFlash {
  return new CutFlash(
    inner,
    storage,
    (operation) => {
      if (operation.index !== at) return;
      cutOperation(storage, inner.map, operation, cut, random);
      throw new PowerCut(`${cut} operation ${at}`);
    },
    () => isLax,
  );
}

/** Code, text and details of what is thrown. */
export function refusal(act: () => unknown): Pick<MaydayError, "code" | "message" | "details"> {
  try {
    act();
  } catch (error) {
    if (error instanceof MaydayError) return error;
    throw error;
  }
  return { code: "none", message: "", details: {} };
}
