import * as v from "valibot";
import { encodeUtf8 } from "../image/utf8.ts";
import type { CollectedLine, CollectedReport } from "./collector-book.ts";
import { hex, WALL_MAX, whole } from "./fields.ts";
import { type Presence, PresenceSchema, parsedJson, type SiteState, StateSchema } from "./fleet-messages.ts";
import { ReportSchema } from "./fleet-report.ts";
import { isSiteName } from "./names.ts";

/** A line of `states.jsonl` of a collector: the last state and the last presence of a site. */
export interface SiteLine {
  readonly site: string;
  /** When the state came, in milliseconds since 1970, by the collector's clock. */
  readonly stateAt?: number | undefined;
  readonly state?: SiteState | undefined;
  readonly presenceAt?: number | undefined;
  readonly presence?: Presence | undefined;
}

/** A line of `cursors.jsonl` of a collector. */
export interface CursorLine {
  readonly site: string;
  readonly epoch: string;
  readonly through: number;
}

const site = v.pipe(v.string(), v.check(isSiteName));
const when = whole(WALL_MAX);
const AboutSchema = v.object({ site, received: when, when: v.nullable(when) });
const ProofSchema = v.strictObject({ proof: hex(32), site, received: when });
const SiteLineSchema = v.strictObject({
  site,
  stateAt: v.exactOptional(when),
  state: v.exactOptional(StateSchema),
  presenceAt: v.exactOptional(when),
  presence: v.exactOptional(PresenceSchema),
});
const CursorLineSchema = v.strictObject({ site, epoch: hex(16), through: whole() });

/** A line of `reports.jsonl` of a collector; undefined if it is none. */
export function parseCollected(line: string): CollectedLine | undefined {
  const value = parsedJson(encodeUtf8(line));
  const proof = v.safeParse(ProofSchema, value);
  if (proof.success) return proof.output;
  const about = v.safeParse(AboutSchema, value);
  if (!about.success) return undefined;
  const { site: _, received, when: at, ...rest } = value as CollectedReport;
  const report = v.safeParse(ReportSchema, rest);
  return report.success ? { ...report.output, site: about.output.site, received, when: at } : undefined;
}

/** A line of `states.jsonl`; undefined if it is none. */
export function parseSiteLine(line: string): SiteLine | undefined {
  const parsed = v.safeParse(SiteLineSchema, parsedJson(encodeUtf8(line)));
  return parsed.success ? parsed.output : undefined;
}

/** A line of `cursors.jsonl`; undefined if it is none. */
export function parseCursorLine(line: string): CursorLine | undefined {
  const parsed = v.safeParse(CursorLineSchema, parsedJson(encodeUtf8(line)));
  return parsed.success ? parsed.output : undefined;
}
