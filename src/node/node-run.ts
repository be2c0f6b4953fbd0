import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/prng.ts";
import type { Millis } from "../base/units.ts";
import type { LinkOptions } from "../link/link.ts";
import type { Stranger } from "../link/strangers/stranger.ts";
import type { Transport } from "../transport/transport.ts";
import { EventQueue } from "./event-queue.ts";
import { FirstEnding } from "./first-ending.ts";
import { LineReports } from "./line-reports.ts";
import type { NodeEvent } from "./node-event.ts";
import { linkOptionsFor, NodeLink, type NodeLinkMachine, openLinks } from "./node-link.ts";
import type { RunOptions } from "./run-options.ts";
import { edgesOf } from "./system-edges.ts";
import { type Ending, type SessionFigures, type Verdict, verdictOf } from "./verdict.ts";

/** The machine on one link of a run. */
export interface RunMachine<Event> extends NodeLinkMachine<Event> {
  readonly stranger: Stranger | undefined;
  /** Leaves; what is still to be said goes out as its last words. */
  stop?(): void;
}

/** What makes a run a rescuer's, a target's, or that of one who asks: its machines, and what their events mean. */
export interface Side<Event, M extends RunMachine<Event>> {
  /** The machine of one link. Nobody else makes one. */
  makeMachine(now: Millis, link: LinkOptions): M;
  /** Carries out an effect, or tells what happened. */
  handle(now: Millis, event: Event, link: NodeLink<Event, M>): void;
  /** A link came up. */
  handleUp?(link: NodeLink<Event, M>): void;
  /** What it means that the time is over. */
  handleTimeout(): Ending;
}

/** What a side has of its run. */
export interface RunHost<Event, M extends RunMachine<Event>> {
  readonly clock: Clock;
  readonly random: Random;
  readonly links: readonly NodeLink<Event, M>[];
  readonly line: LineReports;
  /** Has the user told of it, when what led to it is answered. */
  tell(event: NodeEvent): void;
  /** The answer to an event takes its time: until it is given nobody is told of anything. */
  whileAnswering(answer: Promise<void>): Promise<void>;
  /** Ends the run; only the first call counts. */
  end(ending: Ending): void;
}

/** Time for the last bytes to leave the tty before it is closed, beyond their line time. */
const FAREWELL_MS: Millis = 20;

/**
 * One run of a node over its links, from opening them to its end: the scaffold of rescuers, targets and queries. Clock,
 * randomness and splitter come with the options; given the same three, and transports that behave the same, a run
 * repeats itself byte for byte.
 */
export class NodeRun<Event, M extends RunMachine<Event>, S extends Side<Event, M>>
  implements RunHost<Event, M>
{
  readonly clock: Clock;
  readonly random: Random;
  readonly side: S;
  readonly links: readonly NodeLink<Event, M>[];
  readonly line: LineReports;
  readonly #options: RunOptions;
  readonly #ending: FirstEnding;
  readonly #events: EventQueue;

  constructor(
    options: RunOptions,
    transports: readonly Transport[],
    makeSide: (host: RunHost<Event, M>) => S,
  ) {
    this.#options = options;
    const { clock, random } = edgesOf(options);
    this.clock = clock;
    this.random = random;
    this.#events = new EventQueue(clock, (event) => options.onEvent(event));
    this.line = new LineReports((event) => this.tell(event), options.advice);
    this.side = makeSide(this);
    this.links = transports.map((transport) => this.#linkOver(transport));
    this.#ending = new FirstEnding(clock, options, () => this.side.handleTimeout());
  }

  #linkOver(transport: Transport): NodeLink<Event, M> {
    const machine = this.side.makeMachine(this.clock.now(), linkOptionsFor(transport));
    const made: NodeLink<Event, M> = new NodeLink(
      transport,
      machine,
      this.clock,
      (event, link) => this.side.handle(this.clock.now(), event, link),
      (event) => {
        this.tell(event);
        if (event.event === "ready") this.side.handleUp?.(made);
      },
      this.#options.makeSplitter,
    );
    return made;
  }

  tell(event: NodeEvent): void {
    this.#events.push(event);
  }

  whileAnswering(answer: Promise<void>): Promise<void> {
    return this.#events.whileAnswering(answer);
  }

  /** Ends the run; only the first call counts. */
  end(ending: Ending): void {
    this.#ending.end(ending);
  }

  /** Runs to the end, closes the links and tells all there is. Rejects only when no link can be opened (TransportError). */
  async ended(): Promise<Ending> {
    try {
      await openLinks(this.links, (event) => this.tell(event));
      const ending = await this.#ending.settled;
      for (const { machine } of this.links) machine.stop?.();
      await Promise.all(this.links.map((link) => this.#leave(link)));
      return ending;
    } finally {
      this.#events.flush();
    }
  }

  /** Lets a machine's last words out, then closes the link. */
  async #leave({ driver }: NodeLink<Event, M>): Promise<void> {
    driver.pump();
    const wait = driver.sayFarewell() + FAREWELL_MS;
    await new Promise<void>((resolve) => {
      this.clock.after(wait, resolve);
    });
    await driver.close();
  }

  /** The verdict of a run that has ended. */
  verdict(ending: Ending, figures: SessionFigures): Verdict {
    return verdictOf(
      ending,
      this.links.map(({ machine }) => machine.counters),
      figures,
    );
  }
}
