import { isDeepStrictEqual } from "node:util";
import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { NotBootableError } from "../../src/base/errors.ts";
import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import { flashMap } from "../../src/flash/geometry.ts";
import { RefusalCode } from "../../src/wire/constants.ts";
import { type BoardShape, CBoard, randomFlash, randomShape, TsBoard } from "./boards.ts";
import type { CSide } from "./c-side.ts";
import { bentEnvelope, randomImage } from "./images.ts";
import { compared, type Kind, shown } from "./kind.ts";
import { recordByC, recordByTs } from "./record-state.ts";

/** Largest block that both boards buffer. */
const BLOCK_MAX = 4096;

/** A board's start, and what it decides, counts and accepts: everything but a transfer. */
export const BOARD_KIND: Kind = {
  name: "board",
  weight: 1,
  run(random, c, trace) {
    const shape = randomShape(random);
    const made = randomFlash(random, shape);
    const ts = new TsBoard(shape, made.bytes, BLOCK_MAX);
    const own = new CBoard(c, shape, made.bytes);
    const input = concatBytes(made.bytes);
    const steps: string[] = [];
    let accepted = 0;
    const differs = (): string | undefined => {
      const both = [
        [ts.status, own.status, "status"],
        [ts.record, own.record, "record"],
      ] as const;
      for (const [a, b, what] of both)
        if (!isDeepStrictEqual(a, b))
          return `${steps.join(", ")}: ${what}: TypeScript ${shown(a)}, C ${shown(b)}`;
      return c.faults > 0 ? `${steps.join(", ")}: the C side broke a rule of flash` : undefined;
    };
    steps.push("open");
    let difference = differs();
    for (let left = randomBelow(random, 5); left > 0 && difference === undefined; left--) {
      const dice = randomBelow(random, 6);
      if (dice === 0) {
        steps.push("restart");
        ts.restart();
        own.restart();
      } else if (dice === 1) {
        steps.push("attempt");
        ts.store.attempt();
        c.call("attempt");
      } else if (dice === 2) {
        steps.push("confirm");
        confirm(ts);
        c.call("confirm");
      } else {
        const [codeTs, codeC, word] = judge(random, c, shape, ts, made);
        steps.push(word);
        if (codeTs === 0 && codeC === 0) accepted++;
        if (codeTs !== codeC) difference = `${steps.join(", ")}: TypeScript ${codeTs}, C ${codeC}`;
      }
      difference ??= differs();
      trace?.(steps.at(-1) ?? "");
    }
    if (difference !== undefined) return { isAccepted: false, input, difference };
    // What each left in flash is read by the other, too.
    const map = flashMap(shape.geometry);
    for (const flash of [ts.flash, own.flash.slice()]) {
      const outcome = compared(
        input,
        true,
        recordByTs(shape.geometry, flash),
        recordByC(c, shape.geometry, flash),
      );
      if (outcome.difference !== undefined)
        return { ...outcome, difference: `${steps.join(", ")}: ${outcome.difference}` };
      if (!equalBytes(flash.subarray(map.slots[0]?.offset), made.bytes.subarray(map.slots[0]?.offset)))
        return { isAccepted: false, input, difference: "a slot changed without a transfer" };
    }
    return { isAccepted: accepted > 0 || ts.store.status().isBootable, input };
  },
};

/** Confirms what boots; when nothing does, the status says why. */
function confirm({ store }: TsBoard): void {
  try {
    store.confirm();
  } catch (error) {
    if (!(error instanceof NotBootableError)) throw error;
  }
}

/** Judges the manifest of some image. */
function judge(
  random: Random,
  c: CSide,
  shape: BoardShape,
  ts: TsBoard,
  { images }: ReturnType<typeof randomFlash>,
): [number, number, string] {
  const known = images[randomBelow(random, images.length || 1)];
  const image = known !== undefined && randomChance(random, 0.4) ? known : randomImage(random, shape, known);
  const envelope = bentEnvelope(random, image);
  const offered = randomChance(random, 0.95) ? image.digest.subarray(0, 8) : randomBytes(random, 8);
  const verdict = ts.store.checkManifest(envelope);
  let code: number = verdict.tag === "refused" ? RefusalCode[verdict.reason] : 0;
  // The session compares the digest that was offered.
  if (verdict.tag === "accepted" && !equalBytes(verdict.plan.digest8, offered)) code = RefusalCode.manifest;
  ts.store.abandon();
  c.exchange(concatBytes(envelope, offered));
  const said = c.call("judge", envelope.length, BLOCK_MAX);
  return [code, said, `judge ${code} ${said}`];
}
