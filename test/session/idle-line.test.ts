import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import type { Millis } from "../../src/base/units.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { LinkDriver, type Machine } from "../../src/node/link-driver.ts";
import { PureRunSplitter } from "../../src/node/pure-run-splitter.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import type { RescuerEvent } from "../../src/session/rescuer/rescuer-events.ts";
import { RescuerRole } from "../../src/session/rescuer/rescuer-role.ts";
import type { TargetEvent } from "../../src/session/target/target-events.ts";
import { TargetRole } from "../../src/session/target/target-role.ts";
import { TargetStart } from "../../src/session/target/target-start.ts";
import type { Transport, TransportHandlers } from "../../src/transport/transport.ts";
import { decodeCobs, encodeDelimited } from "../../src/wire/cobs.ts";
import { decodeFrame, encodeMessage } from "../../src/wire/frame.ts";
import { RUN_MAX } from "../../src/wire/line-code.ts";
import { PureSplitter } from "../../src/wire/run-splitter.ts";
import { lineFacts } from "../support/line-facts.ts";

const HOUR_MS: Millis = 3_600_000;
const STEP_MS: Millis = 100;
/** 9600 baud, for time's sake: an hour of it is 3.5 MB. */
const BYTES_PER_STEP = 96;
/** Calls take at most a twentieth of the line: at 9600 baud 960 bytes a second. */
const BYTES_PER_HOUR_MAX = (HOUR_MS / 1000) * 960 * 0.05;

const link = { baud: 9600, rtoFloorMs: 10 };
const id = (fill: number): Uint8Array => new Uint8Array(8).fill(fill);

/** One machine, driven in virtual time, on a line whose other end the test plays. */
class LoneNode<Event extends { readonly tag: string }> {
  readonly clock: VirtualClock = new VirtualClock();
  readonly sent: Uint8Array[] = [];
  readonly tags: Map<string, number> = new Map();
  readonly machine: Machine<Event>;
  textMax = 0;
  #handlers: TransportHandlers | undefined;

  constructor(make: (now: Millis) => Machine<Event>) {
    this.machine = make(this.clock.now());
    const transport: Transport = {
      facts: lineFacts("test:", link.baud),
      open: (handlers) => {
        this.#handlers = handlers;
        handlers.onUp();
        return Promise.resolve();
      },
      write: (bytes) => {
        this.sent.push(bytes);
        return true;
      },
      close: () => Promise.resolve(),
    };
    const makeSplitter = (onRun: (run: Uint8Array) => void): PureRunSplitter =>
      new PureRunSplitter(onRun, this.clock);
    const onEvent = (event: Event): void => this.#note(event);
    void new LinkDriver(this.machine, transport, this.clock, makeSplitter, { onEvent }).open();
  }

  #note(event: Event): void {
    this.tags.set(event.tag, (this.tags.get(event.tag) ?? 0) + 1);
    if ("text" in event && typeof event.text === "string")
      this.textMax = Math.max(this.textMax, event.text.length);
  }

  hear(bytes: Uint8Array): void {
    this.#handlers?.onBytes(bytes);
  }

  pass(ms: Millis): void {
    this.clock.advanceTo(this.clock.now() + ms);
  }
}

const target = (): LoneNode<TargetEvent> =>
  new LoneNode((now) => {
    const status = {
      nodeId: id(1),
      hardwareId: id(2),
      revision: 3,
      failure: "empty" as const,
      installed: undefined,
      receivingDigest: undefined,
      counterFloor: 0,
    };
    const start = new TargetStart(() => id(3));
    const options = { random: new SeededRandom(1), status: () => status, start };
    const end = new LinkEnd<TargetEvent>(link);
    end.exchange(now, (host) => new TargetRole(now, host, options));
    return end;
  });

const rescuer = (): LoneNode<RescuerEvent> =>
  new LoneNode((now) => {
    const options = { random: new SeededRandom(2), nodeId: id(4), bootNonce: id(5) };
    const end = new LinkEnd<RescuerEvent>(link);
    end.exchange(now, (host) => new RescuerRole(now, host, options));
    return end;
  });

const NODES = [
  ["target", target, 1, BYTES_PER_HOUR_MAX],
  // It speaks only to whom it heard.
  ["rescuer", rescuer, 0, 0],
] as const;

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const STRANGERS = [
  "ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13\r\n",
  "[    0.000000] Linux version 6.6.31\r\n",
  "\r\nraspberrypi login: ",
  "C",
  "C",
  "C",
  "\r\n=> ",
  "AT\r",
  "**\x18B00000000000000\r\n",
  "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n",
].map(ascii);
const QUIET = new Uint8Array(0);

/** What comes in a step of 100 ms. */
const LINES: readonly (readonly [string, () => (step: number) => Uint8Array])[] = [
  ["silence", () => () => QUIET],
  ["zeros", () => () => new Uint8Array(BYTES_PER_STEP)],
  ["bytes 0xFF", () => () => new Uint8Array(BYTES_PER_STEP).fill(0xff)],
  [
    "noise",
    () => {
      const random = new SeededRandom(3);
      return () => randomBytes(random, BYTES_PER_STEP);
    },
  ],
  ["endless text", () => () => new Uint8Array(BYTES_PER_STEP).fill(0x61)],
  ["strangers", () => (step) => STRANGERS[step % STRANGERS.length] ?? QUIET],
];

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes on the heap after a collection. */
function heap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe.each(NODES)("an idle %s", (_role, make, bytesMin, bytesMax) => {
  it.each(LINES)(
    "stays idle through an hour of %s",
    (_what, makeLine) => {
      const node = make();
      const line = makeLine();
      let sentBytes = 0;
      let heapAtFirst = 0;
      for (let step = 0; step < HOUR_MS / STEP_MS; step++) {
        const bytes = line(step);
        if (bytes.length > 0) node.hear(bytes);
        node.pass(STEP_MS);
        for (const frame of node.sent.splice(0)) sentBytes += frame.length;
        if (step === 3000) heapAtFirst = heap();
      }
      expect(heap() - heapAtFirst).toBeLessThan(768 * 1024);
      expect([...node.tags.keys()].filter((tag) => tag !== "console" && tag !== "stranger")).toEqual([]);
      expect(node.tags.get("stranger") ?? 0).toBeLessThan(20);
      expect(node.textMax).toBeLessThanOrEqual(RUN_MAX);
      expect(sentBytes).toBeGreaterThanOrEqual(bytesMin);
      expect(sentBytes).toBeLessThanOrEqual(bytesMax);
      expect(node.machine.pollEvent()).toBeUndefined();
      expect(node.machine.pollTransmit(node.clock.now())).toBeUndefined();
    },
    60_000,
  );
});

describe("half a frame", () => {
  const query = encodeDelimited(encodeMessage({ tag: "query", nodeId: id(8), bootNonce: id(9) }, 1));

  /** Kinds of the frames that a node has sent. */
  function kindsOf(sent: readonly Uint8Array[]): string[] {
    const kinds: string[] = [];
    const splitter = new PureSplitter(
      (run) => {
        const frame = decodeCobs(run.at(-1) === 0 ? run.subarray(0, -1) : run);
        if (frame !== undefined && frame.length > 0) kinds.push(decodeFrame(frame, undefined).tag);
      },
      { maxRun: RUN_MAX },
    );
    for (const bytes of sent) splitter.push(0, bytes);
    splitter.close();
    return kinds;
  }

  it.each([
    ["at once", 0],
    ["after a pause", 1000],
  ])("does not cost the whole one that follows %s, wherever it broke off", (_when, pauseMs) => {
    for (let length = 0; length < query.length; length++) {
      const node = target();
      // Long enough that no distress is due by itself within the next 200 ms.
      node.pass(120_000);
      node.sent.length = 0;
      node.hear(query.subarray(0, length));
      node.pass(pauseMs);
      node.sent.length = 0;
      node.hear(query);
      node.pass(200);
      expect(kindsOf(node.sent), `broke off after ${length} bytes`).toContain("distress");
    }
  });
});
