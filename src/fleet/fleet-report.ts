import * as v from "valibot";
import { unreachable } from "../base/assert.ts";
import { toHex } from "../base/bytes.ts";
import { sha256 } from "../image/hash.ts";
import { encodeUtf8 } from "../image/utf8.ts";
import { digest, hex, line, optional, WALL_MAX, whole } from "./fields.ts";
import { digest16 } from "./names.ts";

/**
 * What a report tells. `healed`: a board that did not boot runs an image. `updated`: one that boots runs another image.
 * `reverted`: it runs the image again that it ran before the last one. `distress`: it does not boot. `progress`: it has
 * received so much.
 */
export type ReportKind = "healed" | "updated" | "reverted" | "distress" | "progress";

/** One thing that happened to one board (ADR 0045). Ids, nonces and digests are hexadecimal in lower case. */
export interface Report {
  /** 32 digits, see {@link reportId}: two reports of one thing have the same id, no matter who saw it. */
  readonly id: string;
  readonly kind: ReportKind;
  /** The board, 16 digits. */
  readonly target: string;
  /** Boot nonce under which it called, or ran until then, 16 digits. */
  readonly nonce: string;
  /** The image: 64 digits, or 16 where only a beacon named it. */
  readonly digest?: string | undefined;
  /** The board that sent the image, 16 digits; undefined where that is not known. */
  readonly rescuer?: string | undefined;
  /** Version of the image; of `distress` the installed one. */
  readonly version?: string | undefined;
  /** Version before. */
  readonly from?: string | undefined;
  /** "vendor/class", where it is known. */
  readonly hardware?: string | undefined;
  /** Why the board does not boot. */
  readonly reason?: string | undefined;
  /** Whether a link key proves it. Otherwise anybody on the wire may have said it. */
  readonly proven: boolean;
  /** Of `progress`, 0 to 100. */
  readonly percent?: number | undefined;
  readonly blocks?: number | undefined;
  readonly bytes?: number | undefined;
  readonly seconds?: number | undefined;
  /** Wall time, in milliseconds since 1970; whether the clock was known to be right is `clockSure`. */
  readonly at: number;
  readonly clockSure: boolean;
  /** The run of the node that saw it, 8 digits: times of one run can be compared, ... */
  readonly run: string;
  /** ... by the milliseconds since it began. */
  readonly upMs: number;
}

/** A report before it has an id. */
export type ReportDraft = Omit<Report, "id">;

/** A report with its number in the outbox that it was taken from. */
export interface NumberedReport extends Report {
  /** From 1 on. */
  readonly seq: number;
}

const entries = {
  id: hex(32),
  kind: v.picklist(["healed", "updated", "reverted", "distress", "progress"]),
  target: hex(16),
  nonce: hex(16),
  digest: optional(digest),
  rescuer: optional(hex(16)),
  version: optional(line),
  from: optional(line),
  hardware: optional(line),
  reason: optional(line),
  proven: v.boolean(),
  percent: optional(whole(100)),
  blocks: optional(whole()),
  bytes: optional(whole()),
  seconds: optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
  at: whole(WALL_MAX),
  clockSure: v.boolean(),
  run: hex(8),
  upMs: whole(),
};

/** A report whose id is its own: nobody can make a report fall out by an id that is another report's. */
export const ReportSchema: v.GenericSchema<unknown, Report> = v.pipe(
  v.strictObject(entries),
  v.check((report) => report.id === reportId(report)),
);
/** The same with its number. */
export const NumberedReportSchema: v.GenericSchema<unknown, NumberedReport> = v.pipe(
  v.strictObject({ ...entries, seq: whole() }),
  v.check((report) => report.id === reportId(report)),
);

/** A report from parsed JSON; undefined if a field is missing, unknown or beyond its limit, or the id is not its own. */
export function parseReport(value: unknown): Report | undefined {
  const parsed = v.safeParse(ReportSchema, value);
  return parsed.success ? parsed.output : undefined;
}

/** The draft with its id. Fields that are undefined are left out, so that it is the same after JSON. */
export function identified(draft: ReportDraft): Report {
  const given = Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined));
  return { id: reportId(draft), ...(given as unknown as ReportDraft) };
}

/**
 * First 16 bytes of SHA-256 over what happened, and to which start of which board (ADR 0045): 32 digits. Who saw it, and when,
 * is not in it: each of two rescuers that healed a board together, and the board itself, gives the same id. The boot nonce is
 * a new one when a board that was healed calls again, so that two heals have two ids.
 */
export function reportId(draft: Omit<ReportDraft, "at" | "clockSure" | "proven">): string {
  const parts = ["mayday report 1", draft.kind, draft.target, draft.nonce, ...distinctionOf(draft)];
  return toHex(sha256(encodeUtf8(parts.join(" "))).subarray(0, 16));
}

function distinctionOf({
  kind,
  digest = "",
  reason = "",
  run,
  upMs,
}: Parameters<typeof reportId>[0]): string[] {
  switch (kind) {
    case "healed":
    case "updated":
    case "reverted":
      return [digest16(digest)];
    case "distress":
      return [reason];
    case "progress":
      return [digest16(digest), run, String(upMs)];
    default:
      return unreachable(kind);
  }
}
