import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/base/bytes.ts";
import { ComPortClient } from "../../../src/transport/tcp/com-port.ts";
import { type TelnetCommand, TelnetReader, telnetData } from "../../../src/transport/tcp/telnet.ts";

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

function readAll(pieces: readonly Uint8Array[]): { data: Uint8Array; commands: TelnetCommand[] } {
  const commands: TelnetCommand[] = [];
  const reader = new TelnetReader();
  const data = pieces.map((piece) => reader.read(piece, (command) => commands.push(command)).slice());
  return { data: concatBytes(...data), commands };
}

describe("telnet", () => {
  property.prop([fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 9 })])(
    "carries any bytes, however they are cut",
    (data, size) => {
      const sent = telnetData(data);
      const pieces = Array.from({ length: Math.ceil(sent.length / size) }, (_, i) =>
        sent.subarray(i * size, (i + 1) * size),
      );
      expect(readAll(pieces)).toEqual({ data: Uint8Array.from(data), commands: [] });
    },
  );

  property.prop([fc.array(fc.constantFrom(255, 250, 240, 251, 254, 44, 0, 7), { maxLength: 200 })])(
    "takes any commands without throwing, whole or byte by byte",
    (values) => {
      const whole = readAll([bytes(...values)]);
      expect(readAll(values.map((value) => bytes(value)))).toEqual(whole);
      expect(whole.data.length).toBeLessThanOrEqual(values.length);
    },
  );

  it("gives options and subnegotiations apart from data, an FF among them", () => {
    const { data, commands } = readAll([
      bytes(1, 255, 251, 0, 2, 255, 250, 44, 101, 255, 255, 7, 255, 240, 3, 255, 241, 4, 255, 255),
    ]);
    expect(data).toEqual(bytes(1, 2, 3, 4, 255));
    expect(commands).toEqual([
      { tag: "option", verb: 251, option: 0 },
      { tag: "sub", option: 44, body: bytes(101, 255, 7) },
    ]);
  });

  it("keeps no more than 256 bytes of a subnegotiation", () => {
    const { commands } = readAll([bytes(255, 250, 44), new Uint8Array(5000).fill(1), bytes(255, 240)]);
    expect(commands).toEqual([{ tag: "sub", option: 44, body: new Uint8Array(255).fill(1) }]);
  });
});

/** A client on a connection, and what it did. */
function client(): { port: ComPortClient; sent: string[]; seen: string[] } {
  const sent: string[] = [];
  const seen: string[] = [];
  const settings = { baud: 65_280, parity: "even", stopBits: 2 } as const;
  const port = new ComPortClient(settings, {
    send: (out) => sent.push([...out].join(" ")),
    onReady: () => seen.push("ready"),
    onRefused: (why) => seen.push(`refused: ${why}`),
    onBaud: (baud) => seen.push(`baud ${baud}`),
    onSuspended: (isSuspended) => seen.push(isSuspended ? "suspended" : "resumed"),
  });
  port.start();
  return { port, sent, seen };
}

const answer = (...body: readonly number[]): TelnetCommand => ({
  tag: "sub",
  option: 44,
  body: bytes(...body),
});
const DO_COM_PORT = { tag: "option", verb: 253, option: 44 } as const;

describe("a client of RFC 2217", () => {
  it("asks for the options, sets all up, and is ready when each setting is confirmed", () => {
    const { port, sent, seen } = client();
    expect(sent.splice(0)).toEqual(["255 251 0", "255 253 0", "255 251 3", "255 253 3", "255 251 44"]);
    port.handle(DO_COM_PORT);
    expect(sent.splice(0)).toEqual([
      "255 250 44 1 0 0 255 255 0 255 240",
      "255 250 44 2 8 255 240",
      "255 250 44 3 3 255 240",
      "255 250 44 4 2 255 240",
      "255 250 44 5 1 255 240",
    ]);
    for (const body of [
      [101, 0, 0, 255, 0],
      [102, 8],
      [103, 3],
      [104, 2],
      [105, 8],
    ])
      port.handle(answer(...body));
    expect(seen).toEqual([]);
    port.handle(answer(105, 1));
    expect(seen).toEqual(["ready"]);
    port.setLines(false, true);
    port.setLines(true, true);
    port.setLines(false, true);
    port.setLines(false, false);
    expect(sent.splice(0).map((text) => text.split(" ")[4])).toEqual([
      "9",
      "11",
      "8",
      "11",
      "9",
      "11",
      "9",
      "12",
    ]);
    port.handle(answer(101, 0, 0, 37, 128));
    port.handle(answer(108));
    port.handle(answer(109));
    expect(seen).toEqual(["ready", "baud 9600", "suspended", "resumed"]);
  });

  it("answers each option once, and agrees to none but its own", () => {
    const { port, sent } = client();
    sent.splice(0);
    for (let i = 0; i < 3; i++) {
      port.handle({ tag: "option", verb: 251, option: 1 });
      port.handle({ tag: "option", verb: 253, option: 24 });
      port.handle({ tag: "option", verb: 251, option: 0 });
    }
    expect(sent).toEqual(["255 254 1", "255 252 24"]);
  });

  it.each<[string, readonly TelnetCommand[], RegExp]>([
    ["of the port", [{ tag: "option", verb: 254, option: 44 }], /does not speak RFC 2217/],
    ["of binary", [{ tag: "option", verb: 254, option: 0 }], /all bytes/],
    ["of the rate", [DO_COM_PORT, answer(101, 0, 0, 37, 128)], /65280 baud .*9600/],
    ["of the data bits", [DO_COM_PORT, answer(102, 7)], /8 data bits/],
    ["of the parity", [DO_COM_PORT, answer(103, 1)], /parity/],
    ["of the stop bits", [DO_COM_PORT, answer(104, 1)], /stop bits/],
  ])("tells of a refusal %s", (_what, commands, why) => {
    const { port, seen } = client();
    for (const command of commands) port.handle(command);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatch(why);
  });
});
