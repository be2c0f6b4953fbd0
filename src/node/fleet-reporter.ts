import { BoundedMap } from "../base/bounded-map.ts";
import type { Clock } from "../base/clock.ts";
import type { Millis } from "../base/units.ts";
import {
  type BoardStanding,
  type SiteState,
  STATE_BOARDS_MAX,
  STATE_SUSPECTS_MAX,
} from "../fleet/fleet-messages.ts";
import { identified, type Report, type ReportDraft } from "../fleet/fleet-report.ts";
import { digest16, isHex16 } from "../fleet/names.ts";
import type { WallTime } from "../fleet/word-judge.ts";
import type { NodeEvent } from "./node-event.ts";

/** A session says how far it is this often, in percent. */
const PROGRESS_STEP = 25;
/** Images that failed somewhere. */
interface SuspectImage {
  readonly digest: string;
  readonly until: Millis;
}

/** A board as events showed it. */
interface KnownBoard {
  readonly id: string;
  state: BoardStanding["state"];
  reason: string | undefined;
  version: string | undefined;
  digest: string | undefined;
  /** The image that it ran before this one. */
  digestBefore: string | undefined;
  nonce: string | undefined;
  hardware: string | undefined;
  since: Millis;
  /** Percent of a session that was reported last. */
  progress: number;
}

type Event<Kind extends NodeEvent["event"]> = Extract<NodeEvent, { event: Kind }>;
type Draft = Omit<ReportDraft, "at" | "clockSure" | "run" | "upMs">;

export interface FleetReporterOptions {
  readonly clock: Clock;
  wall(): WallTime;
  /** This run of the node, 8 digits. */
  readonly run: string;
  /** Version of mayday. */
  readonly version: string;
  onReport(report: Report): void;
  /** What the site's state says has changed. */
  onChange(): void;
}

/**
 * Makes reports of a node's events: for each board, not for the node. Heals and updates come from sessions; updates and reverts of
 * boards that others serve from their beacons (ADR 0045).
 */
export class FleetReporter {
  readonly #options: FleetReporterOptions;
  readonly #startedAt: Millis;
  readonly #boards: BoundedMap<string, KnownBoard> = new BoundedMap(STATE_BOARDS_MAX);
  readonly #suspects: BoundedMap<string, SuspectImage> = new BoundedMap(STATE_SUSPECTS_MAX);
  readonly #conflicts: BoundedMap<string, string> = new BoundedMap(STATE_BOARDS_MAX);
  /** What sessions told: a beacon tells it again. */
  readonly #told: BoundedMap<string, true> = new BoundedMap(4 * STATE_BOARDS_MAX);
  /** Role on each link. */
  readonly #roles: Map<string, string> = new Map();
  #self: string | undefined;

  constructor(options: FleetReporterOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** The id of the node's own board. */
  setSelf(nodeId: string): void {
    this.#self = nodeId;
  }

  /** Takes every event of the node. */
  handle(event: NodeEvent): void {
    switch (event.event) {
      case "healed":
        this.#handleHealed(event);
        return;
      case "neighbour":
        this.#handleNeighbour(event);
        return;
      case "booted":
        this.#handleBooted(event);
        return;
      case "progress":
        this.#handleProgress(event);
        return;
      case "role":
        this.#roles.set(event.link, event.role);
        return;
      case "distress":
        if (event.peer === this.#self) this.#moveSelf("distress", event.reason, event.version);
        return;
      case "suspect": {
        const until = this.#options.clock.now() + 1000 * event.seconds;
        this.#suspects.set(event.digest, { digest: event.digest, until });
        this.#options.onChange();
        return;
      }
      case "conflict":
        this.#conflicts.set(event.peer, event.peer);
        this.#options.onChange();
        return;
      default:
        return;
    }
  }

  /** The owner holds an image up, by its short digest. */
  noteStop(digest: string, forMs: Millis): void {
    this.#suspects.set(digest, { digest, until: this.#options.clock.now() + forMs });
    this.#options.onChange();
  }

  #handleHealed(event: Event<"healed">): void {
    const { blocks, bytesTx, cause, digest, link: _, nonce, peer, proven, seconds, target = peer } = event;
    if (nonce === undefined || cause === undefined || digest.length < 16) return;
    const board = this.#boardOf(target);
    const kind = cause === "heal" ? "healed" : "updated";
    const from = board.version;
    const version = event.version === "" ? undefined : event.version;
    // The node's own board was served by its peer; another board by this node.
    const rescuer = target === peer ? this.#self : peer;
    const said = { kind, target, nonce, digest, proven, hardware: event.hardware, version } as const;
    const figures = { blocks, bytes: bytesTx, seconds };
    this.#tell({ ...said, ...figures, rescuer: isId(rescuer), from: from === version ? undefined : from });
    this.#move(board, { state: "healthy", digest, version, reason: undefined, hardware: event.hardware });
  }

  #handleNeighbour(event: Event<"neighbour">): void {
    const { bootable, digest, hardware, nonce, peer, reason, trial, version } = event;
    if (!isHex16(peer)) return;
    const board = this.#boardOf(peer);
    const {
      digest: digestBefore,
      digestBefore: digestFormer,
      nonce: nonceBefore,
      state: stateBefore,
      version: from,
    } = board;
    const state = !bootable ? "distress" : trial === true ? "trial" : "healthy";
    if (
      state === "distress" &&
      (stateBefore !== "distress" || reason !== board.reason) &&
      nonce !== undefined
    )
      this.#tell({
        kind: "distress",
        target: peer,
        nonce,
        reason: reason ?? "asked",
        proven: false,
        hardware,
        version,
      });
    const isOther = digest !== undefined && digestBefore !== undefined && digest16(digestBefore) !== digest;
    if (bootable && nonceBefore !== undefined && digest !== undefined) {
      const said = { target: peer, nonce: nonceBefore, digest, proven: false, hardware, version };
      if (stateBefore === "distress") this.#tell({ kind: "healed", ...said });
      else if (isOther) {
        const isBack = digestFormer !== undefined && digest16(digestFormer) === digest;
        this.#tell({ kind: isBack ? "reverted" : "updated", ...said, from });
      }
    }
    this.#move(board, { state, digest, version, reason, hardware });
    if (nonce !== undefined) board.nonce = nonce;
  }

  #moveSelf(state: "distress", reason: string | undefined, version: string | undefined): void {
    if (this.#self === undefined) return;
    const board = this.#boardOf(this.#self);
    this.#move(board, { state, reason, version, digest: undefined, hardware: undefined });
  }

  /** The own board starts an image. */
  #handleBooted({ digest, hardware, version }: Event<"booted">): void {
    if (this.#self === undefined) return;
    this.#move(this.#boardOf(this.#self), { state: "healthy", digest, version, reason: undefined, hardware });
  }

  #handleProgress({ blocks, blocksTotal, bytes, hardware, link, peer, seconds }: Event<"progress">): void {
    const target = this.#roles.get(link) === "target" ? this.#self : peer;
    if (target === undefined || !isHex16(target) || blocksTotal === 0) return;
    const board = this.#boardOf(target);
    const percent = Math.min(100, Math.floor((100 * blocks) / blocksTotal));
    const step = percent - (percent % PROGRESS_STEP);
    if (step < board.progress) board.progress = 0;
    if (step <= board.progress) return;
    board.progress = step;
    const nonce = board.nonce ?? "0".repeat(16);
    this.#tell({
      kind: "progress",
      target,
      nonce,
      percent: step,
      blocks,
      bytes,
      seconds,
      proven: false,
      hardware,
    });
  }

  #boardOf(id: string): KnownBoard {
    const known = this.#boards.get(id);
    if (known !== undefined) return known;
    const none = { reason: undefined, version: undefined, digest: undefined, digestBefore: undefined };
    const board: KnownBoard = {
      ...{ id, state: "gone", ...none, nonce: undefined, hardware: undefined, progress: 0 },
      since: this.#options.clock.now(),
    };
    this.#boards.set(id, board);
    return board;
  }

  #move(
    board: KnownBoard,
    to: Pick<KnownBoard, "state" | "digest" | "version" | "reason" | "hardware">,
  ): void {
    if (to.state !== board.state) board.since = this.#options.clock.now();
    const isOther =
      to.digest !== undefined && board.digest !== undefined && digest16(to.digest) !== digest16(board.digest);
    if (isOther) board.digestBefore = board.digest;
    board.state = to.state;
    board.reason = to.reason;
    board.version = to.version ?? board.version;
    board.digest = to.digest ?? board.digest;
    board.hardware = to.hardware ?? board.hardware;
    board.progress = 0;
    this.#boards.set(board.id, board);
    this.#options.onChange();
  }

  #tell(draft: Draft): void {
    const report = identified({ ...draft, ...this.#now() });
    if (this.#told.has(report.id)) return;
    this.#told.set(report.id, true);
    this.#options.onReport(report);
  }

  #now(): Pick<Report, "at" | "clockSure" | "run" | "upMs"> {
    const { clock, run, wall } = this.#options;
    const { at, sure } = wall();
    return {
      at: Math.max(0, Math.round(at)),
      clockSure: sure,
      run,
      upMs: Math.round(clock.now() - this.#startedAt),
    };
  }

  /** What the site is like. */
  state(): Omit<SiteState, "waiting" | "dropped" | "fault"> {
    const now = this.#options.clock.now();
    const boards = [...this.#boards.values()].map(
      ({ digest, hardware, id, reason, since, state, version }) => {
        const known = { reason, version, digest, hardware };
        const given = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
        return { id, state, ...given, forMs: Math.round(now - since) };
      },
    );
    const suspects = [...this.#suspects.values()]
      .filter(({ until }) => until > now)
      .map(({ digest }) => digest);
    const { version } = this.#options;
    return { v: 1, version, boards, suspects, conflicts: [...this.#conflicts.values()], ...this.#now() };
  }
}

function isId(id: string | undefined): string | undefined {
  return id !== undefined && isHex16(id) ? id : undefined;
}
