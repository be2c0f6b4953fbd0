import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { LinkKey } from "../link/link-key.ts";
import { LinkEnd } from "../session/link-end.ts";
import type { LineEvent, Role, RoleHost } from "../session/role.ts";
import type { Transport } from "../transport/transport.ts";
import { EventQueue } from "./event-queue.ts";
import { FirstEnding } from "./first-ending.ts";
import { LineReports } from "./line-reports.ts";
import type { NodeEvent } from "./node-event.ts";
import { linkOptionsFor, NodeLink, openLinks, type SideLink } from "./node-link.ts";
import { ProgressWatch } from "./progress-watch.ts";
import type { RunOptions } from "./run-options.ts";
import { edgesOf } from "./system-edges.ts";
import { type Ending, type SessionFigures, type Verdict, verdictOf } from "./verdict.ts";

/** The part that a node plays in a run: its roles on all links, and what their events mean. */
export interface Side<Event, R extends Role> {
  /** The key of a link, if it has one. `index`: of its transport. */
  linkKeyOf?(index: number): LinkKey | undefined;
  /** Creates the first role on one link. */
  makeRole(now: Millis, host: RoleHost<Event | LineEvent>, index: number): R;
  /** Carries out an effect, or reports an event. */
  handle(now: Millis, event: Event | LineEvent, link: NodeLink<Event, R>): void;
  /** A link came up. */
  handleUp?(link: NodeLink<Event, R>): void;
  /** A link went down. */
  handleDown?(link: NodeLink<Event, R>): void;
  /** Something with an end of its own is waited for: the time until then does not count as time without progress. */
  isWaiting?(): boolean;
  /** The ending of the run at its timeout. */
  handleTimeout(): Ending;
}

/** What a side needs of its run. */
export interface SideHost<R> {
  readonly clock: Clock;
  readonly random: Random;
  readonly links: readonly SideLink<R>[];
  readonly line: LineReports;
  /** Reports an event to the user, after it was answered on the wire. */
  report(event: NodeEvent): void;
  /** Holds all reports until `answer` settles: it leads to an answer on the wire. */
  whileAnswering(answer: Promise<void>): Promise<void>;
  /** Ends the run. Later calls are ignored. */
  end(ending: Ending): void;
}

/** The host of a side within another: other links, another way to report, or another end; the rest is the outer host's. */
export function innerHost<R>(
  host: Omit<SideHost<unknown>, "links" | "report" | "end">,
  linksOf: () => readonly SideLink<R>[],
  { report, end }: Pick<SideHost<R>, "report" | "end">,
): SideHost<R> {
  return {
    clock: host.clock,
    random: host.random,
    line: host.line,
    get links() {
      return linksOf();
    },
    report,
    whileAnswering: (answer) => host.whileAnswering(answer),
    end,
  };
}

/** What a run offers the side that it was made with. */
export interface RunHost<Event, R extends Role> extends SideHost<R> {
  readonly links: readonly NodeLink<Event, R>[];
}

/** Time, beyond their line time, for the last bytes to leave the tty before it is closed. */
const CLOSE_DELAY_MS: Millis = 20;

/** A few blocks of the usual size: that long, on the line, a session may need until one of them is written. */
const SLOW_BYTES = 16_384;

/**
 * One run of a node over its links, from opening to closing them: the common scaffold of rescuers, targets and queries.
 * Clock, randomness and splitter come from the options: with the same three, and transports that behave the same, a run
 * repeats byte for byte.
 */
export class NodeRun<Event, R extends Role, S extends Side<Event, R>> implements RunHost<Event, R> {
  readonly clock: Clock;
  readonly random: Random;
  readonly side: S;
  readonly links: readonly NodeLink<Event, R>[];
  readonly line: LineReports;
  readonly #options: RunOptions;
  readonly #ending: FirstEnding;
  readonly #events: EventQueue;
  readonly #progress: ProgressWatch;

  constructor(
    options: RunOptions,
    transports: readonly Transport[],
    makeSide: (host: RunHost<Event, R>) => S,
  ) {
    this.#options = options;
    const { clock, random } = edgesOf(options);
    this.clock = clock;
    this.random = random;
    this.#events = new EventQueue(clock, (event) => options.onEvent?.(event));
    this.line = new LineReports((event) => this.report(event), options.advice);
    this.side = makeSide(this);
    this.links = transports.map((transport, index) => this.#linkOver(transport, index));
    this.#progress = new ProgressWatch(clock.now());
    const onTimeout = (): Ending => this.side.handleTimeout();
    this.#ending = new FirstEnding(clock, options, () => this.#idleSince, onTimeout);
  }

  #linkOver(transport: Transport, index: number): NodeLink<Event, R> {
    const end = new LinkEnd<Event>({ ...linkOptionsFor(transport), key: this.side.linkKeyOf?.(index) });
    const now = this.clock.now();
    const role = end.exchange(now, (host) => this.side.makeRole(now, host, index));
    const made: NodeLink<Event, R> = new NodeLink(
      transport,
      end,
      role,
      this.clock,
      (event, link) => this.side.handle(this.clock.now(), event, link),
      (event) => {
        this.report(event);
        if (event.event === "ready") this.side.handleUp?.(made);
        else if (event.event === "link" && event.state === "down") this.side.handleDown?.(made);
      },
      this.#options.makeSplitter,
    );
    return made;
  }

  /** From when on `timeoutMs` counts. While a session runs, the next blocks get the time that a slow line needs for them. */
  get #idleSince(): Millis {
    if (this.side.isWaiting?.() === true) return this.clock.now();
    const lines = this.links
      .filter(({ end }) => end.isInSession)
      .map(({ end }) => end.link.lineTime(SLOW_BYTES));
    return this.#progress.lastAt + Math.max(0, ...lines);
  }

  report(event: NodeEvent): void {
    this.#progress.note(this.clock.now(), event);
    this.#events.push(event);
  }

  whileAnswering(answer: Promise<void>): Promise<void> {
    return this.#events.whileAnswering(answer);
  }

  /** Ends the run. Later calls are ignored. */
  end(ending: Ending): void {
    this.#ending.end(ending);
  }

  /** Runs to the end, closes the links and delivers all reports. Rejects if no link can be opened (TransportError). */
  async ended(): Promise<Ending> {
    try {
      await openLinks(this.links, (event) => this.report(event));
      const ending = await this.#ending.settled;
      for (const { end } of this.links) end.stop();
      await Promise.all(this.links.map((link) => this.#leave(link)));
      return ending;
    } finally {
      this.#events.flush();
    }
  }

  /** Sends what still waits, a bye for instance, then closes the link. */
  async #leave({ driver }: NodeLink<Event, R>): Promise<void> {
    driver.pump();
    const wait = driver.sendUnsent() + CLOSE_DELAY_MS;
    await new Promise<void>((resolve) => {
      this.clock.after(wait, resolve);
    });
    await driver.close();
  }

  /** The verdict of a run that has ended. `figures` describe the session that decided it. */
  verdict(ending: Ending, figures: SessionFigures): Verdict {
    return verdictOf(
      ending,
      this.links.map(({ end }) => end.counters),
      figures,
    );
  }
}
