import { equalBytes, toHex } from "../base/bytes.ts";
import { ExitCode } from "../base/errors.ts";
import type { BootFailure } from "../base/refusal.ts";
import { errorWords } from "../base/system-error.ts";
import type { Millis } from "../base/units.ts";
import type { RunningBoard } from "../board/running-board.ts";
import type { FlashLayout } from "../flash/geometry.ts";
import type { GrowingImage } from "../image/image-source.ts";
import { formatVersion } from "../image/version.ts";
import type { CallCause, NodeStatus } from "../session/beacon.ts";
import type { RoleHost } from "../session/role.ts";
import type { TargetEvent } from "../session/target/target-events.ts";
import type { TargetRole } from "../session/target/target-role.ts";
import { BoardLife } from "./board-life.ts";
import type { ImageGates } from "./image-gates.ts";
import type { NodeDuties } from "./node-duties.ts";
import type { SideLink } from "./node-link.ts";
import { innerHost, type SideHost } from "./node-run.ts";
import { OwnInstalls } from "./own-installs.ts";
import type { RescuerSelf } from "./rescuer-duties.ts";
import { nodeStatusOf } from "./target-effects.ts";
import { TargetSide } from "./target-side.ts";
import type { Ending } from "./verdict.ts";

/** What a board needs of its node. */
export interface BoardNode {
  readonly gates: ImageGates;
  /** The board's status changed. */
  onChange(): void;
  /** While set, the board neither calls nor asks. */
  hold(isHeld: boolean): void;
  /** The number of a link. */
  linkOf(link: SideLink<TargetRole>): number;
}

/** The node's own board as the status shows it. Null: it boots; it has no image. */
export interface BoardReport {
  readonly isBootable: boolean;
  readonly isTrial: boolean;
  readonly failure: BootFailure | null;
  readonly version: string | null;
  readonly digest: string | null;
  readonly layout: FlashLayout;
}

/** The node's own board: served as a target, and started when it was. */
export class OwnBoardSide {
  readonly life: BoardLife;
  readonly target: TargetSide;
  readonly installs: OwnInstalls;
  readonly #board: RunningBoard;
  readonly #onChange: () => void;
  readonly #gates: ImageGates;
  #lastStatus: NodeStatus | undefined;
  /** It booted when the offer was taken that is served. */
  #isUpdated = false;

  constructor(host: SideHost<TargetRole>, duties: NodeDuties, board: RunningBoard, node: BoardNode) {
    const { gates, onChange, hold, linkOf } = node;
    this.#board = board;
    this.#gates = gates;
    this.#onChange = onChange;
    const { policy, confirms = true, soakMs = 0, soakResets = 0, onBoot, advice, locators } = duties;
    board.setPolicy({
      allowUpdate: policy.update === "auto",
      allowSingleUpdate: policy.allowSingle,
      triesAll: true,
    });
    this.life = new BoardLife({
      board,
      clock: host.clock,
      onBoot,
      confirms,
      soakMs,
      soakResets,
      gates,
      onChange,
      onFailed: (error) => host.end(failedEnding(error)),
      report: (event) => host.report(event),
    });
    this.installs = new OwnInstalls(
      {
        clock: host.clock,
        board,
        allowUnsigned: duties.allowUnsigned === true,
        updates: policy.update === "auto" && (policy.allowSingle || board.status().layout === "ab"),
        isServed: () => host.links.some(({ role }) => role?.isServed === true),
        hold,
        report: (event) => host.report(event),
        boot: () => this.life.boot(),
      },
      duties.repository,
    );
    const linkKey = duties.links.find((link) => link.linkKey !== undefined)?.linkKey;
    const onHealed = (): void => this.#handleHealed();
    this.target = new TargetSide(hostOf(host, onHealed), {
      store: board,
      linkKey,
      advice,
      locators,
      status: () => this.life.status(),
      // Its neighbour may have been switched on with it, and counts down. With several, who speaks first would bind the board to
      // an image that another one has faster.
      listensFirst: duties.listensFirst ?? duties.links.length === 1,
      // A board that does not boot takes what heals it.
      defers: (link, plan) => (board.status().isBootable ? gates.judge(linkOf(link), plan) : undefined),
    });
  }

  #handleHealed(): void {
    const { installed } = this.#board.status();
    if (!this.#isUpdated && installed !== undefined) this.#gates.markCanary(installed.digest8);
    void this.life.boot();
  }

  /** Who the board is as a rescuer. */
  get self(): RescuerSelf {
    return {
      nodeId: this.#board.status().nodeId,
      bootNonce: () => this.target.bootNonce,
      status: () => ({ ...this.life.status(), isServed: this.target.isServed }),
    };
  }

  /** The image that the board receives now, for neighbours that do not boot. */
  receivedImage(): GrowingImage | undefined {
    return this.#board.receivedImage();
  }

  makeRole(now: Millis, host: RoleHost<TargetEvent>, cause: CallCause): TargetRole {
    return this.target.roleThatCalls(now, host, cause);
  }

  /** The board starts; then its repository is looked at. */
  async start(): Promise<void> {
    await this.life.boot();
    await this.installs.start();
  }

  /** The board boots, and its start has ended. */
  get isRunning(): boolean {
    return this.#board.status().isBootable && !this.life.isStarting;
  }

  /** The board as the node's status shows it. */
  report(): BoardReport {
    const status = this.#board.status();
    const { installed } = status;
    return {
      isBootable: status.isBootable,
      isTrial: status.isTrial,
      failure: status.failure ?? null,
      version: installed === undefined ? null : formatVersion(installed.version),
      digest: installed === undefined ? null : toHex(installed.digest8),
      layout: status.layout,
    };
  }

  setClaiming(isClaiming: boolean): void {
    this.life.setClaiming(isClaiming);
  }

  handle(now: Millis, event: TargetEvent, link: SideLink<TargetRole>): void {
    if (event.tag === "offered") this.#isUpdated = this.#board.status().isBootable;
    this.target.handle(now, event, link);
    // An effect may have changed what the board is: while its only image is overwritten, it boots none.
    const status = nodeStatusOf(this.#board.status());
    if (this.#lastStatus !== undefined && isSame(this.#lastStatus, status)) return;
    this.#lastStatus = status;
    this.#onChange();
  }

  close(): void {
    this.life.close();
    this.installs.close();
  }
}

/** The host, with another end: the board is healed, and the node continues. */
function hostOf(host: SideHost<TargetRole>, onHealed: () => void): SideHost<TargetRole> {
  return innerHost(host, () => host.links, { report: (event) => host.report(event), end: onHealed });
}

function failedEnding(error: unknown): Ending {
  const detail = errorWords(error);
  return { code: ExitCode.failed, reason: "board-failed", detail };
}

function isSame(a: NodeStatus, b: NodeStatus): boolean {
  const [before, now] = [a.installed?.digest, b.installed?.digest];
  const isSameImage = before === undefined || now === undefined ? before === now : equalBytes(before, now);
  return a.failure === b.failure && isSameImage;
}
