/** Stretches shorter than this are never text. */
export const STRETCH_MIN = 4;
/** A stretch this long is always text: a damaged frame contains one by chance once in 10^6 bytes. */
export const STRETCH_SURE = 16;
/** Share of a run that must be printable for its short stretches to count as text. */
export const PRINTABLE_SHARE = 0.8;

/**
 * The console text in a run that is not a frame (PROTOCOL.md 2.3): boot logs, kernel messages, a shell. A damaged data
 * frame has printable stretches, too: short ones count only in a run that is nearly all printable.
 */
export function consoleText(run: Uint8Array): string {
  const minimum = isMostlyPrintable(run) ? STRETCH_MIN : STRETCH_SURE;
  let text = "";
  let from = 0;
  for (let i = 0; i <= run.length; i++) {
    const byte = run[i];
    if (byte !== undefined && isPrintable(byte)) continue;
    if (i - from >= minimum) text += String.fromCharCode(...run.subarray(from, i));
    from = i + 1;
  }
  return text;
}

/** Whether at least 80 % of the run is printable. */
export function isMostlyPrintable(run: Uint8Array): boolean {
  let printable = 0;
  for (const byte of run) if (isPrintable(byte)) printable++;
  return printable >= PRINTABLE_SHARE * run.length;
}

export function isPrintable(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
