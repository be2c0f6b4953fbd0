import type { Attack } from "./attack.ts";
import { CALLS } from "./calls.ts";
import { FILE_ATTACKS } from "./files.ts";
import { HOLDING } from "./holding.ts";
import { IMAGES } from "./images.ts";
import { INLINE_ATTACKS } from "./inline.ts";
import { RATES } from "./rates.ts";
import { SESSIONS } from "./sessions.ts";
import { SPOOFING } from "./spoofing.ts";
import { STALLING } from "./stalling.ts";
import { TCP } from "./tcp.ts";

/** All attacks by the file that plays them, in the order of the table. */
const BY_FILE: Readonly<Record<string, readonly Attack[]>> = {
  "images.ts": IMAGES,
  "stalling.ts": STALLING,
  "holding.ts": HOLDING,
  "spoofing.ts": SPOOFING,
  "calls.ts": CALLS,
  "sessions.ts": SESSIONS,
  "inline.ts": INLINE_ATTACKS,
  "rates.ts": RATES,
  "tcp.ts": TCP,
  "files.ts": FILE_ATTACKS,
};

export const ATTACKS: readonly Attack[] = Object.values(BY_FILE).flat();

/** The table as it stands in docs/SECURITY.md. `results`: what each attack gave when it was played. */
export function attackTable(results: ReadonlyMap<string, string>): string {
  const rows = Object.entries(BY_FILE).flatMap(([file, attacks]) =>
    attacks.map(({ attack, ids, happens }) => {
      const cells = [attack, ids, happens, results.get(attack) ?? "not played", `\`test/attacks/${file}\``];
      return `| ${cells.join(" | ")} |`;
    }),
  );
  return [
    "| attack | known as | what happens | reason, exit or bound | test |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}
