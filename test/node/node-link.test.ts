import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/base/errors.ts";
import { VirtualClock } from "../../src/base/virtual-clock.ts";
import { Link } from "../../src/link/link.ts";
import { linkOptionsFor, lostForGood, NodeLink } from "../../src/node/node-link.ts";
import { LinkEnd } from "../../src/session/link-end.ts";
import type { Role } from "../../src/session/role.ts";
import { I2cError } from "../../src/transport/i2c/bus.ts";
import { portLost } from "../../src/transport/serial/uart-errors.ts";
import type {
  MakeSplitter,
  SplitterOptions,
  Transport,
  TransportFacts,
} from "../../src/transport/transport.ts";
import { lineFacts } from "../support/line-facts.ts";

const passing = new TransportError("tcp-waiting", "nobody listens yet", "transient");
const gone = portLost("/dev/ttyUSB0");

/** A role that does nothing. */
const NO_ROLE: Role = {
  handleLinkUp: () => {},
  handleHeard: () => {},
  handleInputEnd: () => {},
  handleTimeout: () => {},
  pollTimeout: () => undefined,
  stop: () => {},
};

describe("a node whose links are all down", () => {
  it("is lost for good when waiting heals none of them, with the first one's reason", () => {
    const ending = { code: 6, reason: "port-lost", detail: gone.message };
    expect(lostForGood([{ trouble: gone }])).toEqual(ending);
    expect(lostForGood([{ trouble: gone }, { trouble: new I2cError("gone", "bus removed") }])).toEqual(
      ending,
    );
  });

  it("is not lost while one link is up, or may come up by itself", () => {
    expect(lostForGood([{ trouble: gone }, { trouble: undefined }])).toBeUndefined();
    expect(lostForGood([{ trouble: gone }, { trouble: passing }])).toBeUndefined();
    expect(lostForGood([{ trouble: new I2cError("nack", "nobody there") }])).toBeUndefined();
  });

  it("goes by what an error states, not by how its code begins", () => {
    expect(
      lostForGood([{ trouble: new TransportError("port-napping", "it wakes up", "transient") }]),
    ).toBeUndefined();
    expect(lostForGood([{ trouble: new TransportError("bus-melted", "no more", "final") }])?.reason).toBe(
      "bus-melted",
    );
  });
});

describe("the options of a link", () => {
  const optionsFor = (facts: Partial<TransportFacts>): ReturnType<typeof linkOptionsFor> => {
    const whole = { endpoint: "x", framing: "stream", bitsPerByte: 10, rtoFloorMs: 25, setBaud: undefined };
    return linkOptionsFor({ facts: { ...whole, ...facts } } as Transport);
  };

  it("are the transport's facts", () => {
    const stream = { baud: 9600, bitsPerByte: 10, framing: "stream", rtoFloorMs: 25 };
    expect(optionsFor({ baud: 9600 })).toEqual(stream);
    expect(optionsFor({ baud: undefined, framing: "message" })).toEqual({
      ...stream,
      baud: undefined,
      framing: "message",
    });
  });

  it("make the link count the bits that a byte takes: 12 with parity and two stop bits, 9 on I2C", () => {
    const lineTime = (baud: number, bitsPerByte: number): number =>
      new Link(optionsFor({ baud, bitsPerByte })).lineTime(9600);
    expect(lineTime(115_200, 12)).toBeCloseTo(1000);
    expect(lineTime(100_000, 9)).toBeCloseTo(864);
  });
});

describe("the splitter of a link", () => {
  /** What a transport's own splitter was made with, on a line of `baud`. */
  async function madeWith(baud: number | undefined): Promise<{ options: SplitterOptions[]; pushed: number }> {
    const seen: { options: SplitterOptions[]; pushed: number } = { options: [], pushed: 0 };
    const makeSplitter: MakeSplitter = (_onRun, options) => {
      seen.options.push(options);
      return {
        push: (bytes) => {
          seen.pushed += bytes.length;
        },
        close: () => {},
      };
    };
    const facts: TransportFacts = { ...lineFacts("test:", 9600), baud, makeSplitter };
    const transport: Transport = {
      facts,
      open: async (handlers) => {
        handlers.onUp();
        handlers.onBytes(Uint8Array.of(1, 2, 3));
      },
      write: () => true,
      close: async () => {},
    };
    const link = new NodeLink(
      transport,
      new LinkEnd<never>(linkOptionsFor(transport)),
      NO_ROLE,
      new VirtualClock(),
      () => {},
      () => {},
    );
    await link.driver.open();
    return seen;
  }

  it("is the one that the transport names, and hears its bytes", async () => {
    expect(await madeWith(115_200)).toMatchObject({ options: [{ maxRun: 4129, silenceMs: 50 }], pushed: 3 });
  });

  it("waits longer for the rest of a run on a line below 9600 baud", async () => {
    expect((await madeWith(1200)).options[0]?.silenceMs).toBe(400);
    expect((await madeWith(undefined)).options[0]?.silenceMs).toBe(50);
  });

  it("is no reason to load Node's modules or a package: links run in a browser", () => {
    const seen = new Set<string>();
    const packages: string[] = [];
    const visit = (file: URL): void => {
      if (seen.has(file.href)) return;
      seen.add(file.href);
      const imports = readFileSync(file, "utf8").matchAll(
        /^(?:import|export) (?!type )(?:[^;"]*? from )?"([^"]+)";/gms,
      );
      for (const [, name = ""] of imports) {
        if (name.startsWith(".")) visit(new URL(name, file));
        else packages.push(name);
      }
    };
    visit(new URL("../../src/node/node-link.ts", import.meta.url));
    expect([...seen].some((href) => href.endsWith("src/wire/run-splitter.ts"))).toBe(true);
    expect(packages).toEqual([]);
  });
});
