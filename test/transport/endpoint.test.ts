import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/base/errors.ts";
import { parseEndpoint } from "../../src/transport/endpoint.ts";
import { openTransport } from "../../src/transport/open-transport.ts";
import { codeOf } from "../support/recorder.ts";

const uart = {
  tag: "uart",
  baud: 115_200,
  fixedBaud: false,
  baudMax: undefined,
  parity: "none",
  stopBits: 1,
};

describe("parseEndpoint", () => {
  it.each([
    ["/dev/ttyUSB0", { ...uart, path: "/dev/ttyUSB0" }],
    ["COM3", { ...uart, path: "COM3" }],
    ["./a:b", { ...uart, path: "./a:b" }],
    ["serial:/dev/ttyUSB0", { ...uart, path: "/dev/ttyUSB0" }],
    ["serial:/dev/ttyUSB0?baud=921600", { ...uart, path: "/dev/ttyUSB0", baud: 921_600, fixedBaud: true }],
    ["serial:/dev/ttyUSB0?baud-max=460800", { ...uart, path: "/dev/ttyUSB0", baudMax: 460_800 }],
    ["serial:/dev/ttyS0?parity=none&stop=1", { ...uart, path: "/dev/ttyS0" }],
    ["serial:/dev/ttyS0?parity=even", { ...uart, path: "/dev/ttyS0", parity: "even" }],
    ["serial:/dev/ttyS0?parity=odd", { ...uart, path: "/dev/ttyS0", parity: "odd" }],
    ["serial:/dev/ttyS0?reset=esp", { ...uart, path: "/dev/ttyS0", reset: "esp" }],
    ["serial:/dev/ttyS0?reset=none&stop=2", { ...uart, path: "/dev/ttyS0", reset: "none", stopBits: 2 }],
    ["serial:/dev/ttyS0?stop=2", { ...uart, path: "/dev/ttyS0", stopBits: 2 }],
    [
      "serial:/dev/ttyS0?stop=2&baud=9600&parity=odd",
      { ...uart, path: "/dev/ttyS0", baud: 9600, fixedBaud: true, parity: "odd", stopBits: 2 },
    ],
    ["serial:/dev/a:b?baud=300", { ...uart, path: "/dev/a:b", baud: 300, fixedBaud: true }],
    ["tcp:board.example:5000", { tag: "tcp", host: "board.example", port: 5000 }],
    ["tcp:[::1]:5000", { tag: "tcp", host: "::1", port: 5000 }],
    ["rfc2217:pi:4000", { ...uart, tag: "rfc2217", host: "pi", port: 4000, reset: undefined }],
    [
      "rfc2217:[::1]:4000?baud=9600&parity=even&stop=2&reset=dtr",
      {
        ...{ tag: "rfc2217", host: "::1", port: 4000, reset: "dtr" },
        ...{ baud: 9600, fixedBaud: true, baudMax: undefined, parity: "even", stopBits: 2 },
      },
    ],
    ["tcp-listen:65535", { tag: "tcp-listen", host: "127.0.0.1", port: 65_535 }],
    ["tcp-listen:0.0.0.0:5000", { tag: "tcp-listen", host: "0.0.0.0", port: 5000 }],
    ["tcp-listen:[fe80::1%eth0]:5000", { tag: "tcp-listen", host: "fe80::1%eth0", port: 5000 }],
    ["tcp-listen:board.example:5000", { tag: "tcp-listen", host: "board.example", port: 5000 }],
    ["tcp-listen:127.0.0.1:1", { tag: "tcp-listen", host: "127.0.0.1", port: 1 }],
    ["tcp-listen:[::]:80", { tag: "tcp-listen", host: "::", port: 80 }],
    ["i2c:/dev/i2c-1?address=0x42", { tag: "i2c", path: "/dev/i2c-1", address: 0x42 }],
    ["i2c:/dev/i2c-1?address=66", { tag: "i2c", path: "/dev/i2c-1", address: 0x42 }],
    ["i2c-peripheral:/tmp/bus?address=0x77", { tag: "i2c-peripheral", socket: "/tmp/bus", address: 0x77 }],
  ])("reads %s", (text, expected) => {
    expect(parseEndpoint(text)).toEqual({ ...expected, text });
  });

  it.each([
    ["tcp://pi:5000", "write tcp:pi:5000"],
    ["tcp://pi:5000/", "write tcp:pi:5000"],
    ["socket://pi:5000", "write tcp:pi:5000"],
    ["TCP:pi:5000", "write tcp:pi:5000"],
    ["TCP-LISTEN:5000", "write tcp-listen:5000"],
    ["telnet:pi:23", "write rfc2217:pi:23"],
    ["rfc2217://pi:2217?baud=9600", "write rfc2217:pi:2217?baud=9600"],
    ["uart:/dev/ttyS0?baud=9600", "write serial:/dev/ttyS0?baud=9600"],
    ["Serial:/dev/ttyS0", "write serial:/dev/ttyS0"],
    ["udp:pi:5000", "accepted: a port's path"],
  ])("says how %s was meant", (text, fix) => {
    expect(() => parseEndpoint(text)).toThrow(fix);
  });

  it("takes two slashes for a path where a path belongs", () => {
    expect(parseEndpoint("serial:///dev/ttyS0")).toMatchObject({ tag: "uart", path: "///dev/ttyS0" });
  });

  it.each([
    ["", "endpoint-path"],
    ["serial:", "endpoint-path"],
    ["i2c:?address=0x42", "endpoint-path"],
    ["udp:host:5000", "endpoint-scheme"],
    ["TCP:host:5000", "endpoint-scheme"],
    ["/dev/i2c-1", "endpoint-scheme"],
    ["/dev/ttyUSB0?baud=9600", "endpoint-query"],
    ["serial:/dev/ttyUSB0?speed=9600", "endpoint-query"],
    ["serial:/dev/ttyUSB0?baud=9600&baud=9600", "endpoint-query"],
    ["serial:/dev/ttyUSB0?baud=9600&baud-max=115200", "endpoint-query"],
    ["tcp:host:5000?baud=9600", "endpoint-query"],
    ["serial:/dev/ttyUSB0?baud=49", "endpoint-baud"],
    ["serial:/dev/ttyUSB0?baud=12000001", "endpoint-baud"],
    ["serial:/dev/ttyUSB0?baud=fast", "endpoint-baud"],
    ["serial:/dev/ttyUSB0?baud=", "endpoint-baud"],
    ["serial:/dev/ttyUSB0?baud-max=9600", "endpoint-baud"],
    ["serial:/dev/ttyS0?reset=cts", "endpoint-reset"],
    ["serial:/dev/ttyS0?reset", "endpoint-reset"],
    ["serial:/dev/ttyS0?parity=mark", "endpoint-parity"],
    ["serial:/dev/ttyS0?parity=Even", "endpoint-parity"],
    ["serial:/dev/ttyS0?parity", "endpoint-parity"],
    ["serial:/dev/ttyS0?stop=1.5", "endpoint-stop"],
    ["serial:/dev/ttyS0?stop=3", "endpoint-stop"],
    ["serial:/dev/ttyS0?stop=02", "endpoint-stop"],
    ["serial:/dev/ttyS0?stop=", "endpoint-stop"],
    ["serial:/dev/ttyS0?stop=2&stop=2", "endpoint-query"],
    ["serial:/dev/ttyS0?stopbits=2", "endpoint-query"],
    ["/dev/ttyS0?stop=2", "endpoint-query"],
    ["tcp:host:5000?parity=even", "endpoint-query"],
    ["tcp:host", "endpoint-port"],
    ["tcp:host:", "endpoint-port"],
    ["tcp:host:0", "endpoint-port"],
    ["tcp:host:65536", "endpoint-port"],
    ["tcp-listen:-1", "endpoint-port"],
    ["tcp::5000", "endpoint-host"],
    ["tcp:5000", "endpoint-host"],
    ["tcp:::1:5000", "endpoint-host"],
    ["i2c:/dev/i2c-1", "endpoint-address"],
    ["i2c:/dev/i2c-1?address=0x07", "endpoint-address"],
    ["i2c:/dev/i2c-1?address=0x78", "endpoint-address"],
  ])("refuses %s with %s", async (text, code) => {
    expect(await codeOf(() => parseEndpoint(text))).toBe(code);
    expect(() => parseEndpoint(text)).toThrow(UsageError);
  });

  it("says how to name an I2C bus when given its bare path", () => {
    expect(() => parseEndpoint("/dev/i2c-1")).toThrow("i2c:/dev/i2c-1?address=");
  });

  it.each([
    ["serial:/dev/ttyS0?parity=mark", "parity is one of none, even, odd"],
    ["serial:/dev/ttyS0?stop=3", "stop is one of 1, 2"],
    ["serial:/dev/ttyS0?speed=9600", "accepted: baud, baud-max, parity, stop"],
  ])("names what is allowed when it refuses %s", (text, allowed) => {
    expect(() => parseEndpoint(text)).toThrow(allowed);
  });

  const settings = fc.record({
    baud: fc.option(fc.integer({ min: 300, max: 12_000_000 }), { nil: undefined }),
    parity: fc.constantFrom(undefined, "none", "even", "odd"),
    stop: fc.constantFrom(undefined, 1, 2),
  });
  property.prop([settings, fc.integer()])(
    "reads the settings of a serial port in any order, and shows them as they were written",
    ({ baud, parity, stop }, seed) => {
      const given = Object.entries({ baud, parity, stop }).filter(([, value]) => value !== undefined);
      const turned = [...given.slice(Math.abs(seed) % 3), ...given.slice(0, Math.abs(seed) % 3)];
      const query = turned.map(([key, value]) => `${key}=${value}`).join("&");
      const text = query === "" ? "serial:/dev/x" : `serial:/dev/x?${query}`;
      expect(parseEndpoint(text)).toEqual({
        tag: "uart",
        text,
        path: "/dev/x",
        baud: baud ?? 115_200,
        fixedBaud: baud !== undefined,
        baudMax: undefined,
        parity: parity ?? "none",
        stopBits: stop ?? 1,
      });
    },
  );

  // Words of endpoints in any order come closer to the limits of the grammar than random characters.
  const word = fc.constantFrom(
    ...["serial:", "/dev/x", "?", "&", "=", "baud", "parity", "stop", "even", "odd", "1", "2", "0x2", " "],
  );
  property.prop([fc.array(word, { maxLength: 9 })])(
    "throws nothing but UsageError at words of endpoints",
    (words) => {
      const text = words.join("");
      try {
        const endpoint = parseEndpoint(text);
        expect(endpoint.text).toBe(text);
        if (endpoint.tag === "uart") {
          expect(["none", "even", "odd"]).toContain(endpoint.parity);
          expect([1, 2]).toContain(endpoint.stopBits);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    },
  );

  property.prop([fc.string({ unit: "binary", maxLength: 40 })])("throws nothing but UsageError", (text) => {
    try {
      expect(parseEndpoint(text).text).toBe(text);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
    }
  });
});

describe("openTransport", () => {
  it.each([
    ["/dev/ttyUSB0", 115_200],
    ["serial:/dev/ttyUSB0?baud=9600", 9600],
    ["tcp:localhost:5000", undefined],
    ["tcp-listen:5000", undefined],
  ])("makes a transport of %s, not opened yet", (text, baud) => {
    const transport = openTransport(parseEndpoint(text));
    expect([transport.facts.endpoint, transport.facts.baud]).toEqual([text, baud]);
  });

  it.each(["i2c:/dev/i2c-1?address=0x42", "i2c-peripheral:/tmp/bus?address=0x42"])(
    "makes a transport that carries frames whole: %s",
    (text) => {
      const { endpoint, framing } = openTransport(parseEndpoint(text)).facts;
      expect([endpoint, framing]).toEqual([text, "message"]);
    },
  );
});
