import { identified, type Report, type ReportDraft } from "../../src/fleet/fleet-report.ts";

export const RUN = "0badcafe";

/** `n` in 16 hexadecimal digits. */
export function hex16(n: number): string {
  return n.toString(16).padStart(16, "0");
}

/** A report of board `n`, healed under a nonce of its own. */
export function heal(n: number, changes: Partial<ReportDraft> = {}): Report {
  return identified({
    kind: "healed",
    target: hex16(n),
    nonce: hex16(0x1000 + n),
    digest: "ab".repeat(32),
    rescuer: hex16(0xffff),
    version: "1.2.3",
    proven: true,
    at: 1_800_000_000_000,
    clockSure: true,
    run: RUN,
    upMs: 1000 * n,
    ...changes,
  });
}

export function progress(n: number): Report {
  return heal(n, { kind: "progress", percent: n % 101, proven: false });
}
