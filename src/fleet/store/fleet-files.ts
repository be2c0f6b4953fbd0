import { join } from "node:path";
import { UsageError } from "../../base/errors.ts";
import { readLines } from "../../files/line-file.ts";
import { parseCollected, parseSiteLine } from "../collected.ts";
import { type FleetSummary, FleetView } from "../fleet-view.ts";
import { COLLECTED_FILE, STATE_FILE } from "./collector-store.ts";

/** Reads the folders of collectors, which may run. UsageError `not-collected` for a folder without reports; the errors of `readLines`. */
export function readFleet(folders: readonly string[]): {
  readonly summary: FleetSummary;
  readonly damaged: number;
} {
  const view = new FleetView();
  let damaged = 0;
  const read = <T>(path: string, parse: (line: string) => T | undefined, take: (line: T) => void): boolean =>
    readLines(path, (line) => {
      const parsed = line === undefined ? undefined : parse(line);
      if (parsed === undefined) damaged++;
      else take(parsed);
    });
  for (const folder of folders) {
    if (!read(join(folder, COLLECTED_FILE), parseCollected, (line) => view.take(line))) {
      const message = `${folder} holds no ${COLLECTED_FILE}; name the folder that mayday collect --out was given`;
      throw new UsageError("not-collected", message, { path: folder });
    }
    read(join(folder, STATE_FILE), parseSiteLine, (line) => view.noteSite(line));
  }
  return { summary: view.summary(), damaged };
}
