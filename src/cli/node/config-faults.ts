import { type ErrorDetails, UsageError } from "../../base/errors.ts";
import { type ConfigPath, fieldText, type TextPlace } from "./config-places.ts";

/** Most faults that one error lists. */
export const FAULTS_SHOWN_MAX = 10;

/** Where a setting comes from, for people and for machines. */
export interface Origin {
  /** "node.toml:3:8: soak", "MAYDAY_SOAK", "--soak". */
  readonly text: string;
  readonly details: ErrorDetails;
}

/** A setting in a file. */
export function fileOrigin(file: string, { line, column }: TextPlace, path: ConfigPath): Origin {
  const field = fieldText(path);
  const text = `${file}:${line}:${column}${field === "" ? "" : `: ${field}`}`;
  return { text, details: { path: file, line, column, ...(field === "" ? {} : { field }) } };
}

interface Fault {
  readonly text: string;
  readonly details: ErrorDetails;
}

/** What is wrong with a configuration, collected, so that one error names all of it. */
export class ConfigFaults {
  readonly #faults: Fault[] = [];

  add({ text, details }: Origin, message: string): void {
    this.#faults.push({ text: `${text}: ${message}`, details });
  }

  /**
   * UsageError `config-invalid` if there are faults. Its message lists up to {@link FAULTS_SHOWN_MAX} of them, those of
   * the file first and in its order; its details are those of the first one, and `faults`, the number of all.
   */
  throwIfAny(): void {
    const [first, ...others] = this.#faults.toSorted(byPlace);
    if (first === undefined) return;
    const faults = 1 + others.length;
    const shown = [first, ...others].slice(0, FAULTS_SHOWN_MAX).map(({ text }) => text);
    if (faults > shown.length) shown.push(`and ${faults - shown.length} more`);
    const heading = `${faults} faults in the configuration:`;
    const message = faults === 1 ? first.text : [heading, ...shown].join("\n  ");
    throw new UsageError("config-invalid", message, { ...first.details, faults });
  }
}

function byPlace(a: Fault, b: Fault): number {
  const lines = numberIn(a, "line") - numberIn(b, "line");
  return lines !== 0 ? lines : numberIn(a, "column") - numberIn(b, "column");
}

/** What does not come from the file has no place there, and goes last. */
function numberIn({ details }: Fault, name: "line" | "column"): number {
  return Number(details[name] ?? Number.MAX_SAFE_INTEGER);
}
