import { describe, expect, it } from "vitest";
import { concatBytes } from "../../../src/base/bytes.ts";
import { randomBelow, randomBytes, randomChance, SeededRandom } from "../../../src/base/prng.ts";
import { Link } from "../../../src/link/link.ts";
import type { StrangerKind } from "../../../src/link/strangers/stranger.ts";
import { StrangerWatch } from "../../../src/link/strangers/stranger-watch.ts";
import { encodeDelimited } from "../../../src/wire/cobs.ts";
import { Codec } from "../../../src/wire/constants.ts";
import { encodeMessage, encodePacket } from "../../../src/wire/frame.ts";
import { RUN_MAX } from "../../../src/wire/line-code.ts";
import type { Message } from "../../../src/wire/messages.ts";
import { PureSplitter } from "../../../src/wire/run-splitter.ts";
import { watchLineUntil } from "../../support/watched-line.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const PAUSE_MS = 100;

/** A link that hears pieces with a pause after each. */
class Line {
  readonly link: Link = new Link({ baud: undefined, rtoFloorMs: 10 });
  readonly #splitter: PureSplitter = new PureSplitter((run) => this.link.handleRun(this.#now, run), {
    maxRun: RUN_MAX,
  });
  #now = 0;

  hear(...pieces: readonly (Uint8Array | string)[]): this {
    for (const piece of pieces) {
      this.#splitter.push(this.#now, typeof piece === "string" ? ascii(piece) : piece);
      this.#now += PAUSE_MS;
      watchLineUntil(this.#splitter, this.#now);
    }
    return this;
  }

  get kind(): StrangerKind | undefined {
    return this.link.foreign.stranger?.kind;
  }

  /** Kinds told since the last call. */
  told(): StrangerKind[] {
    const kinds: StrangerKind[] = [];
    for (let event = this.link.pollEvent(); event; event = this.link.pollEvent())
      if (event.tag === "stranger") kinds.push(event.stranger.kind);
    return kinds;
  }
}

const heard = (...pieces: readonly (Uint8Array | string)[]): StrangerKind | undefined =>
  new Line().hear(...pieces).kind;
const times = <T>(count: number, piece: T): T[] => Array.from({ length: count }, () => piece);
const noise = (length: number, seed = 1): Uint8Array => randomBytes(new SeededRandom(seed), length);

const wireOf = (message: Message): Uint8Array => encodeDelimited(encodeMessage(message, 1));
const queryOf = (seed: number): Message => ({
  tag: "query",
  nodeId: noise(8, seed),
  bootNonce: noise(8, seed + 1000),
});
const beaconOf = (seed: number): Message => ({
  tag: "distress",
  nodeId: noise(8, seed),
  bootNonce: noise(8, seed + 1),
  hardwareId: noise(8, seed + 2),
  revision: 3,
  isProvider: false,
  failure: "hash",
  version: { major: 1, minor: 2, patch: 3 },
  sequence: 66_051,
  counterFloor: 2,
  installedDigest: noise(8, seed + 3),
  receivingDigest: undefined,
});

/** The first beacon whose bytes fulfil a wish. */
function beaconWith(isWanted: (wire: Uint8Array) => boolean): Uint8Array {
  for (let seed = 0; ; seed += 10) {
    const wire = wireOf(beaconOf(seed));
    if (isWanted(wire)) return wire;
  }
}
const count = (wire: Uint8Array, ...wanted: number[]): number =>
  wire.filter((byte) => wanted.includes(byte)).length;
const without = (wire: Uint8Array, ...bytes: number[]): Uint8Array => wire.filter((o) => !bytes.includes(o));

const ESP32 =
  "ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\nflash read err, 1000\r\n";
const KERNEL = "[    0.000000] Booting Linux on physical CPU 0x0\r\n[    0.000000] Linux version 6.6.31\r\n";

describe("a stranger on the line", () => {
  it.each<[StrangerKind, string, readonly (string | Uint8Array)[]]>([
    ["esp-boot-log", "an ESP32", [ESP32]],
    ["esp-boot-log", "an ESP32-C3", ["ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\n"]],
    [
      "esp-boot-log",
      "an ESP8266 after its noise at 74880 baud",
      [noise(90), ...times(3, "\r\n ets Jan  8 2013,rst cause:2, boot mode:(3,6)\r\n")],
    ],
    ["linux-kernel-log", "a kernel", [KERNEL]],
    ["linux-kernel-log", "a kernel, in pieces", ["[    0.0000", "00] Linux version 6.6.31\r\n"]],
    ["esp-boot-log", "an ESP32 that says more at once", [ESP32 + "load:0x3fff0030,len:1184\r\n".repeat(40)]],
    ["esp-boot-log", "an ESP32 after a break", [new Uint8Array(1), "", ...times(3, ESP32)]],
    ["linux-kernel-log", "a long kernel log without a pause", [KERNEL.repeat(100)]],
    ["login-prompt", "a getty", ["\r\nRaspbian GNU/Linux 12 raspberrypi ttyS0\r\n\r\nraspberrypi login: "]],
    ["login-prompt", "a bare getty", ["login: "]],
    ["shell-prompt", "a root shell", ["\r\n# "]],
    ["shell-prompt", "a busybox shell", ["ls\r\n/ # "]],
    ["shell-prompt", "a coloured shell", ["\r\n\x1b[01;32mpi@pi\x1b[00m:\x1b[01;34m~ $\x1b[00m "]],
    ["u-boot", "U-Boot counting", ["Hit any key to stop autoboot:  3 \b\b\b 2 "]],
    ["u-boot", "U-Boot's prompt", ["\r\n=> "]],
    ["u-boot", "U-Boot's banner", ["\r\nU-Boot SPL 2023.07 (Oct 01 2023)\r\nTrying to boot from MMC1\r\n"]],
    ["xmodem", "an XMODEM receiver", times(3, Uint8Array.of(0x15))],
    ["xmodem", "a YMODEM receiver", times(3, "C")],
    [
      "xmodem",
      "U-Boot's loady",
      ["## Ready for binary (ymodem) download at 115200 bps...\r\n", "C", "C", "C"],
    ],
    ["zmodem", "sz", ["rz\r**\x18B00000000000000\r\x8a\x11"]],
    ["zmodem", "rz", ["**\x18B0100000023be50\r\x8a\x11"]],
    ["smp", "an SMP answer on a console", ["\x06\x09AAsDAAAAAAYAAQAAvwD/AXQ=\n"]],
    ["modem", "ModemManager probing", ["AT\r"]],
    ["modem", "a modem's configuration", ["ATE0\r", "AT+CGMI\r"]],
    ["modem", "a modem answering", ["\r\nOK\r\n"]],
    ["modem", "a modem ringing", ["\r\nRING\r\n"]],
    ["stk500", "Optiboot", times(3, Uint8Array.of(0x14, 0x10))],
    ["stk500", "avrdude", times(3, "0 ")],
    ["nmea", "a GPS", ["$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"]],
    ["nmea", "an AIS receiver", ["!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D\r\n"]],
    ["console", "any other text", ["Welcome to FooOS, build 7\r\n"]],
    ["zeros", "a line held low", [new Uint8Array(256)]],
    ["ones", "a floating line", [new Uint8Array(5000).fill(0xff)]],
    ["noise", "a wrong rate", [noise(2000)]],
  ])("is named %s: %s", (kind, _who, pieces) => {
    const line = new Line().hear(...pieces);
    expect(line.kind).toBe(kind);
    expect(line.told()).toContain(kind);
  });

  it("is shown by the line that gave it away", () => {
    const RESET = "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)";
    const line = new Line().hear(`some log line\r\n${ESP32}`);
    expect(line.link.foreign.stranger).toEqual({ kind: "esp-boot-log", sample: RESET });
    const long = new Line().hear(`[    1.000000] ${"x".repeat(100)}\r\n`);
    expect(long.link.foreign.stranger?.sample).toHaveLength(60);
  });

  it("is told once per kind, and again after a frame and 64 runs", () => {
    const line = new Line().hear(ESP32, ESP32, KERNEL, ESP32);
    expect(line.told()).toEqual(["esp-boot-log", "linux-kernel-log"]);
    expect(line.kind).toBe("esp-boot-log");
    line.hear(wireOf(queryOf(1)), ...times(63, "ab"));
    expect(line.told()).toEqual([]);
    expect(line.hear(ESP32).told()).toEqual(["esp-boot-log"]);
  });

  it("gives way to a vaguer name only after 64 runs", () => {
    const line = new Line().hear("\r\n=> ", noise(500));
    expect(line.kind).toBe("u-boot");
    for (let i = 0; i < 64; i++) line.hear(noise(20, i));
    expect(line.kind).toBe("noise");
  });

  it.each<[string, StrangerKind | undefined, readonly (string | Uint8Array)[]]>([
    ["255 zeros", undefined, [new Uint8Array(255)]],
    ["4095 bytes 0xFF", "noise", [new Uint8Array(4095).fill(0xff)]],
    ["two bytes C", undefined, ["C", "C"]],
    ["three bytes C with another between", undefined, ["C", "C", "x", "C"]],
    ["a sentence with a wrong checksum", "console", ["$GPGGA,123519,4807.038,N*00\r\n"]],
    ["half a ZMODEM header", undefined, ["**\x18B0000"]],
    ["a line of 15", undefined, ["0123456789abc\r\n"]],
    ["a line without an end", undefined, ["0123456789abcdefgh"]],
    ["a prompt in the middle of text", undefined, ["costs $ 5 and # 6"]],
    ["200 bytes of noise", undefined, [noise(200)]],
  ])("takes %s for %s", (_what, kind, pieces) => {
    expect(heard(...pieces)).toBe(kind);
  });
});

describe("a mayday node behind a line that changes bytes by rule", () => {
  const oneXon = beaconWith((wire) => count(wire, 0x11, 0x13) === 1);

  it.each([0x11, 0x13])("that eats XON and XOFF is named (lost: %i)", (lost) => {
    const wire = beaconWith((w) => count(w, lost) === 1 && count(w, 0x11, 0x13) === 1);
    expect(heard(...times(3, without(wire, 0x11, 0x13)))).toBe("flow-control");
    expect(heard(...times(2, without(wire, 0x11, 0x13)))).not.toBe("flow-control");
  });

  it.each<[string, (wire: Uint8Array) => boolean, (wire: Uint8Array) => Uint8Array]>([
    [
      "turns CR to LF",
      (wire) => count(wire, 0x0d) === 2 && count(wire, 0x0a) === 0,
      (wire) => wire.map((byte) => (byte === 0x0d ? 0x0a : byte)),
    ],
    [
      "turns CR to LF, where there also was an LF",
      (wire) => count(wire, 0x0d) === 1 && count(wire, 0x0a) === 1,
      (wire) => wire.map((byte) => (byte === 0x0d ? 0x0a : byte)),
    ],
    [
      "turns LF to CR LF",
      (wire) => count(wire, 0x0a) > 0,
      (wire) => Uint8Array.from([...wire].flatMap((byte) => (byte === 0x0a ? [0x0d, 0x0a] : [byte]))),
    ],
  ])("that %s is named line-ends", (_what, isWanted, mangle) => {
    expect(heard(...times(3, mangle(beaconWith(isWanted))))).toBe("line-ends");
  });

  const parity = (byte: number): number => {
    let ones = 0;
    for (let bits = byte & 0x7f; bits > 0; bits >>= 1) ones += bits & 1;
    return (byte & 0x7f) | ((ones & 1) << 7);
  };
  it.each<[string, (byte: number) => number]>([
    ["cuts off bit 7", (byte) => byte & 0x7f],
    ["makes bit 7 parity", parity],
  ])("that %s is named seven-bits", (_what, mangle) => {
    // No byte of the frame may turn into a delimiter.
    const wire = beaconWith((w) => count(w, 0x80) === 0);
    expect(heard(...times(3, wire.map(mangle)))).toBe("seven-bits");
    expect(heard(...times(2, wire.map(mangle)))).not.toBe("seven-bits");
  });

  it("is not named for losing one XON when others come through", () => {
    const two = beaconWith((wire) => count(wire, 0x11) === 2 && count(wire, 0x13) === 0);
    const first = two.indexOf(0x11);
    expect(
      heard(
        ...times(
          8,
          two.filter((_, i) => i !== first),
        ),
      ),
    ).not.toBe("flow-control");
  });

  it("is not named seven-bits when damage differs from frame to frame", () => {
    let plain: Uint8Array = wireOf(queryOf(0));
    for (let seed = 0; plain.some((byte) => byte >= 0x80); seed++)
      plain = wireOf({
        tag: "query",
        nodeId: new Uint8Array(8).fill(1),
        bootNonce: ascii(`${10_000_000 + seed}`),
      });
    const damaged = [5, 6, 7, 8, 9].map((at) => plain.map((byte, i) => (i === at ? byte ^ 0x40 : byte)));
    expect(heard(...damaged)).not.toBe("seven-bits");
  });

  it("is not named while an XON comes through", () => {
    const other = beaconWith((wire) => count(wire, 0x11, 0x13) > 1);
    const damaged = other.map((byte, i) => (i === 20 ? byte ^ 0x40 : byte));
    const eaten = without(oneXon, 0x11, 0x13);
    expect(heard(eaten, eaten, damaged, eaten, eaten)).not.toBe("flow-control");
  });

  it("is named although frames come whole that it does not change", () => {
    const eaten = without(oneXon, 0x11, 0x13);
    const plain = beaconWith((wire) => count(wire, 0x11, 0x13) === 0);
    const line = new Line();
    for (let i = 0; i < 3; i++) line.hear(plain, eaten);
    expect(line.told()).toEqual(["flow-control"]);
    expect(line.hear(plain).kind).toBe("flow-control");
  });

  it("is not named while frames come whole that it would change", () => {
    const eaten = without(oneXon, 0x11, 0x13);
    const line = new Line();
    for (let i = 0; i < 20; i++) line.hear(oneXon, eaten, eaten);
    expect(line.told()).toEqual([]);
    expect(line.hear(...times(60, eaten)).kind).toBe("flow-control");
    expect(line.hear(oneXon).kind).toBeUndefined();
  });

  it("is named when two bytes are missing in each frame, and when two changes meet", () => {
    const two = beaconWith((wire) => count(wire, 0x11, 0x13) === 2);
    expect(heard(...times(3, without(two, 0x11, 0x13)))).toBe("flow-control");
    const mixed = beaconWith((wire) => count(wire, 0x11, 0x13) === 1 && count(wire, 0x0d) === 1);
    const changed = without(mixed, 0x11, 0x13).map((byte) => (byte === 0x0d ? 0x0a : byte));
    const line = new Line().hear(...times(3, changed));
    expect(line.told().sort()).toEqual(["flow-control", "line-ends"]);
    expect([line.kind, ...(line.link.foreign.stranger?.also ?? [])].sort()).toEqual([
      "flow-control",
      "line-ends",
    ]);
  });

  it("is named telnet by its options, which the first two show, but not by what looks like one", () => {
    expect(heard(Uint8Array.of(255, 251, 3, 255, 251, 1, 255, 253, 0, 255, 251, 0))).toBe("telnet");
    expect(heard(Uint8Array.of(255, 251, 3, 7, 255, 251, 1))).toBeUndefined();
    const doubled = beaconWith((wire) => count(wire, 0xff) === 1);
    // A frame with a single FF came whole: whatever sent the options, it does not double.
    expect(heard(Uint8Array.of(255, 251, 3, 255, 251, 1, 0), doubled)).toBeUndefined();
  });

  it("is named a terminal when control bytes come back as one echoes them", () => {
    const carets = (wire: Uint8Array): Uint8Array =>
      Uint8Array.from([...wire].flatMap((byte) => (byte < 0x20 ? [0x5e, byte ^ 0x40] : [byte])));
    expect(heard(...times(3, carets(wireOf(queryOf(3)))))).toBe("terminal");
    expect(heard(...times(2, carets(wireOf(queryOf(3)))))).not.toBe("terminal");
    // An interrupt in the head drops what was echoed before it.
    expect(heard(...times(3, `^C${"^A".repeat(9)}x`))).toBe("terminal");
    expect(heard(...times(3, "press ^C to stop, ^Z to suspend, ^A ^B ^D ^E ^F ^G ^H\r\n"))).not.toBe(
      "terminal",
    );
  });

  it("is named by what its peer hears, as long as that says so", () => {
    const line = new Line().hear(wireOf({ ...beaconOf(1), changes: 0x02 } as Message));
    expect(line.told()).toEqual(["flow-control"]);
    expect(line.kind).toBe("flow-control");
    expect(line.hear(wireOf(beaconOf(1))).kind).toBeUndefined();
    // Bits of a later version are nothing here.
    expect(line.hear(wireOf({ ...beaconOf(1), changes: 0xc0 } as Message)).kind).toBeUndefined();
  });

  it("costs no more than a few tries per 2 KiB received", () => {
    const eaten = without(oneXon, 0x11, 0x13);
    const watch = new StrangerWatch();
    const started = performance.now();
    for (let i = 0; i < 20_000; i++) watch.observe(eaten.subarray(1), false);
    // Untamed, 20,000 tries take ten times as long.
    expect(performance.now() - started).toBeLessThan(1500);
  });
});

describe("a line on which frames are heard", () => {
  const query = wireOf(queryOf(3));

  it("is not called anything, whatever else is damaged", () => {
    const line = new Line();
    for (let i = 0; i < 100; i++)
      line.hear(query, noise(300, i), ...times(3, "C"), "AT\r", new Uint8Array(40));
    expect(line.told()).toEqual([]);
    expect(line.kind).toBeUndefined();
  });

  it("is called a console when text is mixed in, once", () => {
    const line = new Line();
    for (let i = 0; i < 100; i++) line.hear(query, KERNEL, KERNEL, KERNEL, "\r\n=> ");
    expect(line.told()).toEqual(["console"]);
    expect(line.link.foreign.stranger?.sample).toMatch(/^\[ {4}0\.0{6}\] /);
  });

  it("loses the name of a stranger that was there before", () => {
    expect(heard(ESP32, query)).toBeUndefined();
  });

  it("loses the name console when no text came for 64 runs", () => {
    // Each frame with both delimiters is two runs.
    const line = new Line().hear(query, ...times(3, KERNEL), ...times(31, query));
    expect(line.kind).toBe("console");
    expect(line.hear(query).kind).toBeUndefined();
  });
});

describe("damaged frames", () => {
  /** Payloads that look like strangers when they are cut out of their frames. */
  const BAIT = ascii(
    `\r\nlogin: ${KERNEL}\r\n=> C\r\n# ${ESP32}AT\r\r\nOK\r\n**\x18B00000000000000\r\n$ $GPGLL,1*34\r\n`,
  );
  const payloads: readonly ((seed: number) => Uint8Array)[] = [
    (seed) => noise(1024, seed),
    (seed) => BAIT.subarray(seed % BAIT.length),
    (seed) => concatBytes(BAIT, BAIT, BAIT, BAIT).subarray(seed % BAIT.length),
    () => new Uint8Array(2048).fill(0xff),
    () => new Uint8Array(512).fill(0x43),
    () => new Uint8Array(512),
  ];

  function frames(seed: number): Uint8Array[] {
    const make = payloads[seed % payloads.length] ?? payloads[0];
    const payload = make?.(seed) ?? new Uint8Array(32);
    const data = encodePacket(
      {
        tag: "data",
        packetNumber: seed & 0xfff,
        codec: Codec.raw,
        attempt: 0,
        position: seed & 0xff,
        payload,
      },
      0x1234_5678,
    );
    return [wireOf(beaconOf(5)), wireOf(queryOf(5)), encodeDelimited(data)];
  }

  type Damage = (random: SeededRandom, rate: number, wire: Uint8Array) => Uint8Array;
  const DAMAGES: readonly (readonly [string, Damage])[] = [
    [
      "bit errors",
      (random, rate, wire) =>
        wire.map((byte) => {
          let out = byte;
          for (let bit = 0; bit < 8; bit++) if (randomChance(random, rate)) out ^= 1 << bit;
          return out;
        }),
    ],
    ["drops", (random, rate, wire) => wire.filter(() => !randomChance(random, rate))],
    [
      "bursts of drops",
      (random, rate, wire) => {
        let left = 0;
        return wire.filter(() => {
          if (left === 0 && randomChance(random, rate / 20)) left = 1 + randomBelow(random, 40);
          left = Math.max(0, left - 1);
          return left === 0;
        });
      },
    ],
    [
      "random bytes",
      (random, rate, wire) => wire.map((byte) => (randomChance(random, rate) ? random.u32() & 0xff : byte)),
    ],
  ];
  const RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 0.97];

  it.each(DAMAGES)("with %s never look like anybody, at any rate up to 97 %", (_what, damage) => {
    for (const rate of RATES) {
      for (let seed = 0; seed < 12; seed++) {
        const random = new SeededRandom(seed);
        const line = new Line();
        for (let i = 0; i < 40; i++) {
          // With a pause after each frame, and back to back.
          const wires = frames(seed + 6 * i).map((wire) => damage(random, rate, wire));
          line.hear(...(i % 2 === 0 ? wires : [concatBytes(...wires)]));
        }
        // Where most bytes are lost, delimiters with them, what is left of a payload of text is just text.
        const allowed = rate > 0.5 ? ["noise", "console"] : ["noise"];
        expect(
          line.told().filter((kind) => !allowed.includes(kind)),
          `rate ${rate}, seed ${seed}`,
        ).toEqual([]);
      }
    }
  });

  it("of a session that is not known here are no noise", () => {
    const line = new Line();
    for (let i = 0; i < 200; i++) {
      const done: Message = { tag: "done", digest: noise(8, i) };
      line.hear(encodeDelimited(encodeMessage(done, 0x1234_5678)));
    }
    expect(line.told()).toEqual([]);
  });
});
