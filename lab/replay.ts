import { decodeCobs } from "../src/wire/cobs.ts";
import { AnnounceType, FrameClass, RescuerControlType, TargetControlType } from "../src/wire/constants.ts";
import { runConsole } from "./console-lines.ts";
import { parseEnumCase } from "./enum-case.ts";
import { prepareEnumCase } from "./enumeration.ts";
import { execute, parseFuzzCase } from "./fuzz/run-fuzz.ts";
import { HANG_MS, type SupervisedRescue } from "./supervised-rescue.ts";
import { parseSurvivalCase, prepareSurvival, SURVIVAL_LIMIT_MS } from "./survival.ts";

/** A console case is replayed with this image and so many lines. */
const CONSOLE_IMAGE = 262_144;
const CONSOLE_LINES = 4_000;

/** Runs one case again; says how it went, with every frame and event when `isTraced`. Undefined: no such case. */
export function replay(id: string, isTraced: boolean, say: (line: string) => void): boolean | undefined {
  const enumCase = parseEnumCase(id);
  if (enumCase !== undefined) return watch(prepareEnumCase(enumCase), HANG_MS, isTraced, say);
  const survival = parseSurvivalCase(id);
  if (survival !== undefined) return watch(prepareSurvival(survival), SURVIVAL_LIMIT_MS, isTraced, say);
  const fuzzCase = parseFuzzCase(id);
  if (fuzzCase !== undefined) {
    try {
      say(`ok: ${execute(fuzzCase)}`);
      return true;
    } catch (error) {
      say(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return false;
    }
  }
  const [, seed] = /^console:(\d{1,10})$/.exec(id) ?? [];
  if (seed === undefined) return undefined;
  const result = runConsole(Number(seed), CONSOLE_IMAGE, CONSOLE_LINES);
  say(JSON.stringify(result));
  return result.failure === undefined;
}

function watch(
  run: SupervisedRescue,
  limitMs: number,
  isTraced: boolean,
  say: (line: string) => void,
): boolean {
  if (isTraced) trace(run, say);
  const { failure, ms, frames, bytes } = run.run(limitMs);
  say(`${failure ?? "exact"}: ${(ms / 1000).toFixed(3)} s of virtual time, ${frames} frames, ${bytes} bytes`);
  return failure === undefined;
}

/** Frames as they are sent, before anything is done to them, and the news of both sides. */
function trace(run: SupervisedRescue, say: (line: string) => void): void {
  const at = (): string => run.clock.now().toFixed(1).padStart(9);
  run.tap.watch((frame) => {
    const { direction, n, total, bytes } = frame;
    say(`${at()} ${direction} ${n} (${total}) ${frameName(bytes)} ${bytes.length}`);
  });
  for (const [side, events] of [
    ["target", run.rescue.targetEvents],
    ["rescuer", run.rescue.rescuerEvents],
  ] as const) {
    const push = events.push.bind(events) as (...items: unknown[]) => number;
    const spoken = (...items: { readonly tag: string }[]): number => {
      for (const event of items)
        if (event.tag !== "progress") say(`${at()} ${side}: ${event.tag} ${detailOf(event)}`);
      return push(...items);
    };
    Object.defineProperty(events, "push", { value: spoken });
  }
}

function detailOf(event: object): string {
  const why = "why" in event ? String(event.why) : "";
  return "reason" in event ? String(event.reason) : why;
}

/** What a frame is, by its first bytes alone: no session tag is needed. */
export function frameName(delimited: Uint8Array): string {
  const frame = decodeCobs(delimited.subarray(delimited[0] === 0 ? 1 : 0, -1));
  if (frame === undefined) return "?";
  const [first = 0, second = 0] = frame;
  const frameClass = first & 0x0f;
  const nameIn = (types: Record<string, number>, type: number): string =>
    Object.keys(types).find((name) => types[name] === type) ?? "?";
  if (frameClass === FrameClass.announce) return nameIn(AnnounceType, second);
  if (frameClass === FrameClass.targetControl) return nameIn(TargetControlType, first >>> 4);
  if (frameClass === FrameClass.rescuerControl) return nameIn(RescuerControlType, first >>> 4);
  return frameClass >= FrameClass.data ? "data" : nameIn(FrameClass, frameClass);
}
