import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { Plug } from "../../src/sim/many/plug.ts";
import { withFaults } from "../../src/sim/wires/transport-faults.ts";
import { parseEndpoint } from "../../src/transport/endpoint.ts";
import { openTransport } from "../../src/transport/open-transport.ts";
import { ReopeningTransport } from "../../src/transport/reopening.ts";
import { StreamSplitter } from "../../src/transport/stream-splitter.ts";
import type { Heard, Transport, TransportFacts, TransportHandlers } from "../../src/transport/transport.ts";
import { FlappingTransport } from "../node/flapping-world.ts";
import { Recorder } from "../support/recorder.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Facts that no transport has by default, so that a wrapper cannot state one of them by accident. */
const ODD_FACTS: Required<TransportFacts> = {
  endpoint: "odd:1",
  framing: "message",
  isNoisy: true,
  baud: 12_345,
  bitsPerByte: 12,
  rtoFloorMs: 77,
  setBaud: async () => {},
  baudMax: 2_222_222,
  makeSplitter: () => ({ push: () => {}, close: () => {} }),
};

/** A transport whose facts change, and that a test can end. */
class Changing implements Transport {
  facts: TransportFacts;
  #handlers: TransportHandlers | undefined;

  constructor(facts: TransportFacts) {
    this.facts = facts;
  }

  async open(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    handlers.onUp();
  }

  end(): void {
    this.#handlers?.onDown(undefined);
  }

  write(): boolean {
    return true;
  }

  readonly noted: string[] = [];

  noteHeard(heard: Heard): void {
    this.noted.push(heard);
  }

  noteSessionEnd(): void {
    this.noted.push("end");
  }

  async close(): Promise<void> {}
}

const clock = new VirtualClock();
/** Every class that wraps a transport, by name, and how it is made. */
const WRAPPERS: Readonly<Record<string, (inner: Transport) => Transport>> = {
  FaultyTransport: (inner) => withFaults(inner, { seed: 1, clock }),
  ReopeningTransport: (inner) => new ReopeningTransport(inner, async () => inner, clock),
  Plug: (inner) => new Plug(inner, { isCut: () => false, carry: (frame) => frame, note: () => {} }),
  FlappingTransport: (inner) => new FlappingTransport(inner),
  InterceptedTransport: (inner) => wrappedTransport(inner, {}),
};

function typescriptFiles(folder: string): string[] {
  const names = readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts")).map((name) => `${folder}/${name}`);
}

describe("wrappers of a transport", () => {
  /** Sources with a class that wraps a transport. */
  const sources = ["src", "test", "lab"]
    .flatMap(typescriptFiles)
    .filter((path) => path !== "test/transport/facts.test.ts")
    .map((path) => ({ path, text: readFileSync(`${ROOT}/${path}`, "utf8") }))
    .filter(({ text }) => text.includes("extends TransportWrapper"));

  it("are all tried here, but for those that a single test has for itself", () => {
    const shared = sources.filter(({ path }) => !path.endsWith(".test.ts"));
    const names = shared.flatMap(({ text }) =>
      [...text.matchAll(/class (\w+) extends TransportWrapper/g)].map(([, name = ""]) => name),
    );
    expect(names.sort()).toEqual(Object.keys(WRAPPERS).sort());
  });

  it("that state a fact of their own forward the others, also those of a single test", () => {
    const stating = sources.filter(({ text }) => /override get facts/.test(text));
    for (const { path, text } of stating) {
      const count = text.match(
        /override get facts\(\): TransportFacts \{\n\s*return \{ \.\.\.super\.facts,/g,
      )?.length;
      expect([path, count]).toEqual([path, text.match(/override get facts/g)?.length]);
    }
    expect(stating.length).toBeGreaterThan(0);
  });

  for (const [name, wrap] of Object.entries(WRAPPERS)) {
    it.each(Object.keys(ODD_FACTS) as (keyof TransportFacts)[])(`${name} forwards %s`, (fact) => {
      const inner = new Changing(ODD_FACTS);
      const wrapper = wrap(inner);
      expect(wrapper.facts[fact]).toBe(ODD_FACTS[fact]);
    });

    it(`${name} forwards what a link says of the bytes that it was given`, () => {
      const inner = new Changing(ODD_FACTS);
      const wrapper = wrap(inner);
      wrapper.noteHeard?.("announcement");
      wrapper.noteHeard?.("session");
      wrapper.noteSessionEnd?.();
      expect(inner.noted).toEqual(["announcement", "session", "end"]);
    });

    it(`${name} forwards facts as they are when asked, also after a change`, () => {
      const inner = new Changing(ODD_FACTS);
      const wrapper = wrap(inner);
      inner.facts = { ...ODD_FACTS, baud: 921_600, setBaud: undefined };
      expect([wrapper.facts.baud, wrapper.facts.setBaud]).toEqual([921_600, undefined]);
    });
  }

  it("ReopeningTransport states the facts of the transport that it opened again", async () => {
    const time = new VirtualClock();
    const [first, second] = [new Changing(ODD_FACTS), new Changing({ ...ODD_FACTS, rtoFloorMs: 5 })];
    const reopening = new ReopeningTransport(first, async () => second, time);
    const recorder = new Recorder();
    await reopening.open(recorder);
    first.end();
    expect(reopening.facts.rtoFloorMs).toBe(77);
    time.advanceTo(1000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(recorder.events).toEqual(["up", "down orderly", "up"]);
    expect(reopening.facts.rtoFloorMs).toBe(5);
  });

  it("withFaults leaves an I2C transport a link of messages", () => {
    const i2c = openTransport(parseEndpoint("i2c:/dev/i2c-1?address=0x42"));
    expect(i2c.facts.framing).toBe("message");
    expect(withFaults(i2c, { seed: 1 }).facts.framing).toBe("message");
  });
});

describe("facts of a transport", () => {
  it.each([
    // Nothing is guessed from how an endpoint is spelled: this host has no serial adapter.
    ["tcp:usb-server:5000", { framing: "stream", baud: undefined, bitsPerByte: 8, rtoFloorMs: 10 }],
    ["tcp-listen:5000", { framing: "stream", baud: undefined, bitsPerByte: 8, rtoFloorMs: 10 }],
    ["i2c:/dev/i2c-99?address=0x42", { framing: "message", baud: undefined, bitsPerByte: 9, rtoFloorMs: 25 }],
    [
      "i2c-peripheral:/tmp/usb?address=0x42",
      { framing: "message", baud: undefined, bitsPerByte: 9, rtoFloorMs: 25 },
    ],
    // A port that is missing is taken for the slower kind.
    ["serial:/dev/none?baud=9600", { framing: "stream", baud: 9600, bitsPerByte: 10, rtoFloorMs: 25 }],
  ])("are right for %s", (text, expected) => {
    expect(openTransport(parseEndpoint(text)).facts).toMatchObject({ endpoint: text, ...expected });
  });

  it.each([
    ["/dev/ttyUSB0", true],
    ["tcp:host:5000", true],
    ["tcp-listen:5000", true],
    ["i2c:/dev/i2c-1?address=0x42", false],
    ["i2c-peripheral:/tmp/bus?address=0x42", false],
  ])("name the splitter of Node's streams for %s: %s", (text, isNamed) => {
    const { makeSplitter } = openTransport(parseEndpoint(text)).facts;
    const splitter = makeSplitter?.(() => {}, { maxRun: 8, clock });
    expect(splitter instanceof StreamSplitter).toBe(isNamed);
    expect(splitter === undefined).toBe(!isNamed);
  });

  it("let the rate of a serial port be changed unless the endpoint fixes it", () => {
    const isChangeable = (text: string): boolean =>
      openTransport(parseEndpoint(text)).facts.setBaud !== undefined;
    expect(isChangeable("/dev/ttyUSB0")).toBe(true);
    expect(isChangeable("serial:/dev/ttyUSB0?baud-max=921600")).toBe(true);
    expect(isChangeable("serial:/dev/ttyUSB0?baud=921600")).toBe(false);
  });
});
