import { equalBytes } from "../../src/base/bytes.ts";
import type { Timer } from "../../src/base/clock.ts";
import { SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import type { UpdatePolicy } from "../../src/mesh/asking.ts";
import type { ServeCause } from "../../src/mesh/dispatch.ts";
import { type NodeAction, NodeMachine } from "../../src/mesh/node-machine.ts";
import type { OwnBoard } from "../../src/mesh/own-board.ts";
import { beaconOf, type NodeStatus } from "../../src/session/beacon.ts";
import { type Beacon, isCall } from "../../src/wire/messages.ts";
import { id, image, status } from "./support.ts";

/** What happened, in the order of time. `said`: a beacon went out. */
export interface Happening {
  readonly at: Millis;
  readonly who: string;
  readonly what: "said" | "called" | "serves" | "heals" | "lost" | "runs" | "conflict";
  /** The neighbour that it is about, where it is about one. */
  readonly to: string;
  readonly sequence: number;
}

/** A board of a neighbourhood. */
export interface MemberOptions {
  /** Sequence number of its image; 0: it has none and does not boot. */
  readonly runs: number;
  readonly layout?: OwnBoard["layout"];
  readonly policy?: UpdatePolicy;
  readonly fanOut?: number;
  readonly variant?: number;
  readonly hardwareId?: Uint8Array;
  /** Node id; in the order of names unless given. */
  readonly id?: number;
}

export interface NeighbourhoodOptions {
  readonly seed?: number;
  /** A session takes this long. */
  readonly sessionMs?: Millis;
  /** A new image is on trial for this long. */
  readonly trialMs?: Millis;
  /** Whether a beacon is lost on its way; none is unless given. */
  isLost?(from: string, to: string): boolean;
  /** Whether a session ends without a healed board; none does unless given. */
  fails?(from: string, to: string): boolean;
}

interface Port {
  readonly peer: Member;
  readonly peerLink: number;
  timer: Timer | undefined;
}

const LATENCY_MS = 5;
const CALL_MS = 300;
const SERVED_CALL_MS = 30_000;

class Member {
  readonly name: string;
  readonly machine: NodeMachine;
  readonly ports: Port[] = [];
  readonly layout: OwnBoard["layout"];
  readonly bootNonce: Uint8Array;
  status: NodeStatus;
  isServed = false;
  timer: Timer | undefined;

  constructor(name: string, machine: NodeMachine, layout: OwnBoard["layout"], boardStatus: NodeStatus) {
    this.name = name;
    this.machine = machine;
    this.layout = layout;
    this.status = boardStatus;
    this.bootNonce = id(7);
  }
}

/**
 * Node machines that hear one another's beacons, without links and sessions between: a session takes some time, and then its
 * target runs what its rescuer runs, or does not.
 */
export class Neighbourhood {
  readonly clock: VirtualClock = new VirtualClock();
  readonly happenings: Happening[] = [];
  readonly #members: Map<string, Member> = new Map();
  readonly #options: NeighbourhoodOptions;

  /** `lines`: pairs of names of boards that have a link between them. */
  constructor(
    boards: Readonly<Record<string, MemberOptions>>,
    lines: readonly string[],
    options: NeighbourhoodOptions = {},
  ) {
    this.#options = options;
    const random = new SeededRandom(options.seed ?? 1);
    for (const [index, [name, board]] of Object.entries(boards).entries()) {
      const { policy = { update: "auto", allowSingle: true }, fanOut = 1, layout = "ab" } = board;
      const number = board.id ?? index + 1;
      const links = lines.filter((line) => line.includes(name)).length;
      const machine = new NodeMachine({ random, nodeId: id(number), policy, fanOut, links });
      const { hardwareId, runs, variant } = board;
      const more = {
        ...(runs === 0 ? ({ failure: "empty", installed: undefined } as const) : {}),
        ...(variant === undefined ? {} : { installed: image(runs, variant) }),
        ...(hardwareId && { hardwareId }),
      };
      this.#members.set(name, new Member(name, machine, layout, status(number, runs, more)));
    }
    for (const line of lines) {
      const [a, b] = [...line].map((name) => this.#of(name));
      if (a === undefined || b === undefined) continue;
      const [linkA, linkB] = [a.ports.length, b.ports.length];
      a.ports.push({ peer: b, peerLink: linkB, timer: undefined });
      b.ports.push({ peer: a, peerLink: linkA, timer: undefined });
    }
    for (const member of this.#members.values()) {
      this.#tellBoard(member);
      for (const link of member.ports.keys()) member.machine.handleLinkUp(0, link, true);
      this.#pump(member);
    }
  }

  #of(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`no board ${name}`);
    return member;
  }

  machineOf(name: string): NodeMachine {
    return this.#of(name).machine;
  }

  /** Sequence numbers of what the boards boot, by name; 0: it does not boot. */
  get runs(): Readonly<Record<string, number>> {
    const all = [...this.#members.values()];
    return Object.fromEntries(
      all.map(({ name, status: { failure, installed } }) => [
        name,
        failure === undefined ? (installed?.sequence ?? 0) : 0,
      ]),
    );
  }

  /** What happened of these kinds, as "who to sequence". */
  told(...kinds: readonly Happening["what"][]): string[] {
    const chosen = this.happenings.filter(({ what }) => kinds.includes(what));
    return chosen.map(({ who, to, sequence }) => `${who}${to} ${sequence}`);
  }

  /** The boards whose only image is being overwritten now. */
  get overwriting(): Set<string> {
    const all = [...this.#members.values()];
    return new Set(all.filter((one) => one.isServed && one.layout === "single").map(({ name }) => name));
  }

  run(forMs: Millis): void {
    this.clock.advanceTo(this.clock.now() + forMs);
  }

  /** A board has another image, or none (0). */
  install(name: string, sequence: number): void {
    const member = this.#of(name);
    this.#set(member, { failure: sequence === 0 ? "hash" : undefined, installed: image(sequence) });
    this.#pump(member);
  }

  #note(member: Member, what: Happening["what"], to: Member | undefined, sequence?: number): void {
    const runs = sequence ?? member.status.installed?.sequence ?? 0;
    this.happenings.push({
      at: this.clock.now(),
      who: member.name,
      what,
      to: to?.name ?? "",
      sequence: runs,
    });
  }

  #set(member: Member, more: Partial<NodeStatus>): void {
    member.status = { ...member.status, ...more };
    this.#tellBoard(member);
  }

  #tellBoard(member: Member): void {
    member.machine.handleBoard(this.clock.now(), { status: member.status, layout: member.layout });
  }

  #pump(member: Member): void {
    const { machine } = member;
    for (let action = machine.pollAction(); action; action = machine.pollAction()) this.#do(member, action);
    member.timer?.cancel();
    const at = machine.pollTimeout(this.clock.now());
    if (at === undefined) return;
    member.timer = this.clock.after(at - this.clock.now(), () => {
      machine.handleTimeout(this.clock.now());
      this.#pump(member);
    });
  }

  #do(member: Member, action: NodeAction): void {
    switch (action.tag) {
      case "announce":
        this.#say(member, action.link, beaconOf(member.status, member.bootNonce), "said");
        return;
      case "claim":
        this.#set(member, { isClaiming: action.isOn });
        return;
      case "role":
        this.#call(member, action.link, member.isServed ? SERVED_CALL_MS : 0);
        return;
      case "conflict":
        this.#note(member, "conflict", this.#named(action.neighbour.nodeId), action.neighbour.sequence);
        return;
      default:
        return;
    }
  }

  #named(nodeId: Uint8Array): Member | undefined {
    return [...this.#members.values()].find((one) => equalBytes(one.status.nodeId, nodeId));
  }

  #say(member: Member, link: number, beacon: Beacon, what: "said" | "called"): void {
    const port = member.ports[link];
    if (port === undefined) return;
    this.#note(member, what, port.peer);
    if (this.#options.isLost?.(member.name, port.peer.name)) return;
    this.clock.after(LATENCY_MS, () => this.#hear(port.peer, port.peerLink, beacon, member, link));
  }

  /** Calls on a link for as long as its role is to call, after a time. */
  #call(member: Member, link: number, afterMs: Millis): void {
    const port = member.ports[link];
    if (port === undefined) return;
    port.timer?.cancel();
    port.timer = this.clock.after(afterMs, () => {
      const role = member.machine.roleOn(link);
      if (role === "idle" || member.machine.engagementOn(link) !== "none") return;
      const cause = role === "ask" ? "update" : "help";
      const call = beaconOf(member.status, member.bootNonce, { cause });
      this.#say(member, link, member.isServed ? { ...call, isServed: true } : call, "called");
      this.#call(member, link, member.isServed ? SERVED_CALL_MS : CALL_MS);
    });
  }

  #hear(member: Member, link: number, beacon: Beacon, from: Member, fromLink: number): void {
    const { machine } = member;
    const calls = isCall(beacon) && beacon.isServed !== true;
    const mayServe = machine.roleOn(link) === "idle" && machine.engagementOn(link) === "none";
    const cause: ServeCause = beacon.failure === undefined ? "update" : "heal";
    const suits = calls && this.#suits(member, beacon) && !from.isServed;
    if (mayServe && suits && machine.admit(this.clock.now(), link, cause).tag === "now")
      this.#serve(member, link, from, fromLink, cause);
    machine.handleHeard(this.clock.now(), link, beacon);
    this.#pump(member);
  }

  #suits({ status: own }: Member, { failure, hardwareId, sequence }: Beacon): boolean {
    if (own.failure !== undefined || own.isTrial === true || !equalBytes(own.hardwareId, hardwareId))
      return false;
    return failure !== undefined || (own.installed?.sequence ?? 0) > sequence;
  }

  #serve(rescuer: Member, link: number, target: Member, targetLink: number, cause: ServeCause): void {
    const { sessionMs = 5_000, fails } = this.#options;
    const [now, served] = [this.clock.now(), rescuer.status.installed];
    this.#note(rescuer, cause === "heal" ? "heals" : "serves", target);
    target.isServed = true;
    rescuer.machine.handleEngaged(now, link, cause);
    target.machine.handleEngaged(now, targetLink, "target");
    if (target.layout === "single" || cause === "heal") this.#set(target, { failure: "receiving" });
    this.#pump(target);
    this.clock.after(sessionMs, () => {
      const isHealed = fails?.(rescuer.name, target.name) !== true && rescuer.status.failure === undefined;
      target.isServed = false;
      if (isHealed) this.#boot(target, served);
      else this.#note(target, "lost", rescuer);
      const end = this.clock.now();
      target.machine.handleEngaged(end, targetLink, "none");
      rescuer.machine.handleEngaged(end, link, "none");
      for (const other of target.ports.keys()) this.#call(target, other, 0);
      this.#pump(target);
      this.#pump(rescuer);
    });
  }

  #boot(member: Member, installed: NodeStatus["installed"]): void {
    const { trialMs = 1_000 } = this.#options;
    this.#set(member, { installed, failure: undefined, isTrial: true });
    this.#note(member, "runs", undefined);
    this.clock.after(trialMs, () => {
      if (member.status.failure !== undefined) return;
      this.#set(member, { isTrial: false });
      this.#pump(member);
    });
  }
}
