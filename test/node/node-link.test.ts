import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/base/errors.ts";
import { linkOptionsFor, lostForGood } from "../../src/node/node-link.ts";
import { I2cError } from "../../src/transport/i2c/bus.ts";
import { portLost } from "../../src/transport/serial/uart-errors.ts";
import type { Transport, TransportFacts } from "../../src/transport/transport.ts";

const passing = new TransportError("tcp-waiting", "nobody listens yet", "transient");
const gone = portLost("/dev/ttyUSB0");

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
    expect(optionsFor({ baud: 9600 })).toEqual({ baud: 9600, framing: "stream", rtoFloorMs: 25 });
    expect(optionsFor({ baud: undefined, framing: "message" })).toEqual({
      baud: undefined,
      framing: "message",
      rtoFloorMs: 25,
    });
  });

  it("pace by the time a byte takes: as slow a line of ten bits", () => {
    expect(optionsFor({ baud: 115_200, bitsPerByte: 12 }).baud).toBe(96_000);
    expect(optionsFor({ baud: 400_000, bitsPerByte: 9 }).baud).toBe(444_444);
  });
});
