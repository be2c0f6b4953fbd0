import * as v from "valibot";
import { assert } from "../base/assert.ts";
import { decodeUtf8, encodeUtf8 } from "../image/utf8.ts";
import { digest, hex, line, optional, TEXT_MAX, WALL_MAX, whole } from "./fields.ts";
import { type NumberedReport, NumberedReportSchema } from "./fleet-report.ts";
import { FLEET_NAME_MAX, isFleetName, isHex16, isSiteName } from "./names.ts";

/** Most reports in one message. */
export const BATCH_MAX = 64;
/** Longest message that is read, in bytes: 64 reports with every field as long as it may be. */
export const MESSAGE_MAX = 131_072;
/** Boards, and suspected images, that a state tells of. */
export const STATE_BOARDS_MAX = 64;
export const STATE_SUSPECTS_MAX = 32;

/** Topic `report`: reports in the order of their numbers. Without the site, which is the topic's. */
export interface ReportBatch {
  readonly v: 1;
  /** Of the outbox, 16 digits: numbers of another outbox mean nothing to this one. */
  readonly epoch: string;
  /** The outbox holds nothing between this number and the first report. */
  readonly after: number;
  /** A collector has acknowledged everything up to this number. */
  readonly acked: number;
  /** When it was sent: the run of the node, and the milliseconds since that began. */
  readonly run: string;
  readonly upMs: number;
  readonly reports: readonly NumberedReport[];
}

/** Topic `ack`: a collector has stored everything of this outbox up to this number. Only this lets the outbox forget. */
export interface AckCursor {
  readonly v: 1;
  readonly epoch: string;
  readonly through: number;
}

/** A board as its site knows it. */
export interface BoardStanding {
  /** 16 digits. */
  readonly id: string;
  readonly state: "healthy" | "trial" | "distress" | "gone";
  /** Why it does not boot. */
  readonly reason?: string | undefined;
  readonly version?: string | undefined;
  /** 16 or 64 digits. */
  readonly digest?: string | undefined;
  readonly hardware?: string | undefined;
  /** Milliseconds for which it has been in this state, by the clock of the site's run. */
  readonly forMs: number;
}

/** Topic `state`, retained: what a site is like. */
export interface SiteState {
  readonly v: 1;
  /** Version of mayday. */
  readonly version: string;
  readonly boards: readonly BoardStanding[];
  /** Short digests of images that are held up. */
  readonly suspects: readonly string[];
  /** Boards with another image of the same version. */
  readonly conflicts: readonly string[];
  /** Reports that wait for a collector, and those that were given up since the run began. */
  readonly waiting: number;
  readonly dropped: number;
  /** Why the outbox cannot be written. */
  readonly fault?: string | undefined;
  readonly at: number;
  readonly clockSure: boolean;
  readonly run: string;
  readonly upMs: number;
}

/** Topic `presence`, retained: `offline` is the will of the connection, `stopped` a node that was ended. */
export type Presence = "online" | "offline" | "stopped";

const BatchSchema = v.pipe(
  v.strictObject({
    v: v.literal(1),
    epoch: hex(16),
    after: whole(),
    acked: whole(),
    run: hex(8),
    upMs: whole(),
    reports: v.pipe(v.array(NumberedReportSchema), v.minLength(1), v.maxLength(BATCH_MAX)),
  }),
  v.check(({ after, acked, reports }) => acked <= after && isRising(after, reports)),
);
const CursorSchema = v.strictObject({ v: v.literal(1), epoch: hex(16), through: whole() });
const BoardSchema = v.strictObject({
  id: hex(16),
  state: v.picklist(["healthy", "trial", "distress", "gone"]),
  reason: optional(line),
  version: optional(line),
  digest: optional(digest),
  hardware: optional(line),
  forMs: whole(),
});
/** A state, also in a collector's file. */
export const StateSchema: v.GenericSchema<unknown, SiteState> = v.strictObject({
  v: v.literal(1),
  version: v.pipe(v.string(), v.regex(/^[\w.+-]+$/), v.maxLength(TEXT_MAX)),
  boards: v.pipe(v.array(BoardSchema), v.maxLength(STATE_BOARDS_MAX)),
  suspects: v.pipe(v.array(hex(16)), v.maxLength(STATE_SUSPECTS_MAX)),
  conflicts: v.pipe(v.array(hex(16)), v.maxLength(STATE_BOARDS_MAX)),
  waiting: whole(),
  dropped: whole(),
  fault: optional(line),
  at: whole(WALL_MAX),
  clockSure: v.boolean(),
  run: hex(8),
  upMs: whole(),
});

export const PresenceSchema: v.GenericSchema<unknown, Presence> = v.picklist([
  "online",
  "offline",
  "stopped",
]);

function isRising(after: number, reports: readonly { readonly seq: number }[]): boolean {
  return reports.every(({ seq }, i) => seq > (reports[i - 1]?.seq ?? after));
}

/** A message as it is sent. */
export function encodeFleet(message: ReportBatch | AckCursor | SiteState): Uint8Array {
  return encodeUtf8(JSON.stringify(message));
}

/** The batch in a message; undefined if it is none, or breaks a limit. Never throws. */
export function parseBatch(bytes: Uint8Array): ReportBatch | undefined {
  return parsed(BatchSchema, bytes);
}

/** The cursor in a message; undefined if it is none. Never throws. */
export function parseCursor(bytes: Uint8Array): AckCursor | undefined {
  return parsed(CursorSchema, bytes);
}

/** The state in a message; undefined if it is none, or breaks a limit. Never throws. */
export function parseState(bytes: Uint8Array): SiteState | undefined {
  return parsed(StateSchema, bytes);
}

/** A presence; undefined if it is none. */
export function parsePresence(bytes: Uint8Array): Presence | undefined {
  const parsedText = v.safeParse(
    PresenceSchema,
    bytes.length > FLEET_NAME_MAX ? undefined : decodeUtf8(bytes),
  );
  return parsedText.success ? parsedText.output : undefined;
}

function parsed<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
): v.InferOutput<Schema> | undefined {
  const value = parsedJson(bytes);
  if (value === undefined) return undefined;
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? result.output : undefined;
}

/** JSON of bytes within {@link MESSAGE_MAX}; undefined if it is none. Never throws. */
export function parsedJson(bytes: Uint8Array): unknown {
  const text = bytes.length > MESSAGE_MAX ? undefined : decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const ROOT = "mayday/v1";

/** Topics of one site, and patterns for all of them. AssertionError for a name that is none. */
export function siteTopic(
  fleet: string,
  site: string,
  leaf: "report" | "state" | "presence" | "ack",
): string {
  assert(site === "+" || isSiteName(site), `no site for a topic: ${site}`);
  return `${ROOT}/${checked(fleet)}/${site}/${leaf}`;
}

/** Topics of the owner: `hardware` and `digest` are 16 digits, or "+" for all. */
export function ownerTopic(fleet: string, kind: "offers" | "stop", about: string): string {
  assert(about === "+" || isHex16(about), `no topic about ${about}`);
  return `${ROOT}/${checked(fleet)}/${kind}/${about}`;
}

/** The parts of a topic of this fleet: `[site, leaf]`, or `["offers" or "stop", id]`; undefined for any other. */
export function partsOfTopic(fleet: string, topic: string): readonly [string, string] | undefined {
  const prefix = `${ROOT}/${fleet}/`;
  if (!topic.startsWith(prefix)) return undefined;
  const [first = "", second = "", ...more] = topic.slice(prefix.length).split("/");
  return more.length === 0 && isFleetName(first) && isFleetName(second) ? [first, second] : undefined;
}

function checked(name: string): string {
  assert(isFleetName(name), `no name for a topic: ${name}`);
  return name;
}
