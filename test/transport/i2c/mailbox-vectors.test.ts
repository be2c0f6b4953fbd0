import { describe, expect, it } from "vitest";
import { toHex } from "../../../src/base/bytes.ts";
import {
  decodeHello,
  decodePrefix,
  decodeSegmentHeader,
  decodeStatus,
  encodeHello,
  encodePrefix,
  encodeSegmentHeader,
  encodeStatus,
  headerCrc,
  MailboxState,
  SegmentKind,
} from "../../../src/transport/i2c/mailbox-codec.ts";
import { I2cMailboxController } from "../../../src/transport/i2c/mailbox-controller.ts";
import { I2cMailboxPeripheral } from "../../../src/transport/i2c/mailbox-peripheral.ts";
import { vectorBytes, vectorFile } from "../../support/vector-file.ts";

type KindName = "nothing" | "first" | "next" | "hello";

type Step =
  | { readonly do: "controllerSends" | "peripheralSends"; readonly frame: string }
  | { readonly do: "controllerDelivers" | "peripheralDelivers"; readonly frame: string }
  | { readonly do: "busy"; readonly isBusy: boolean }
  | { readonly do: "restart" }
  | { readonly do: "write"; readonly hex: string; readonly arrived?: number; readonly failed?: true }
  | {
      readonly do: "read";
      /** Absent when nothing of the read reached the peripheral. */
      readonly hex?: string;
      readonly length?: number;
      /** What the controller sees in place of it. */
      readonly damaged?: string;
      readonly failed?: true;
    };

interface Exchange {
  readonly name: string;
  readonly controllerLimit: number;
  readonly peripheralLimit: number;
  readonly steps: readonly Step[];
}
interface Named {
  readonly name: string;
  readonly hex: string;
}
interface MailboxVectors {
  readonly crc8: readonly { hex: string; crc: string }[];
  readonly statuses: readonly {
    state: keyof typeof MailboxState;
    turn: 0 | 1;
    length: number;
    hex: string;
  }[];
  readonly wrongStatuses: readonly Named[];
  readonly firstBytes: readonly { hex: string; kind: KindName; number: number; turn: 0 | 1 }[];
  readonly wrongFirstBytesHex: string;
  readonly hellos: readonly { limit: number; hex: string }[];
  readonly wrongHellos: readonly Named[];
  readonly frameHeads: readonly { length: number; hex: string }[];
  readonly wrongFrameHeads: readonly Named[];
  readonly exchanges: readonly Exchange[];
  readonly peripheralExchanges: readonly Exchange[];
  readonly controllerExchanges: readonly Exchange[];
}

const vectors = vectorFile<MailboxVectors>("mailbox-v1.json");
const KINDS = {
  nothing: SegmentKind.none,
  first: SegmentKind.first,
  next: SegmentKind.next,
  hello: SegmentKind.hello,
};
const plain = (hex: string): string => hex.replaceAll(" ", "");

describe("bytes of the mailbox, frozen", () => {
  it("are many of each kind", () => {
    const { statuses, firstBytes, wrongFirstBytesHex, exchanges, peripheralExchanges } = vectors;
    expect([vectors.crc8.length, statuses.length, vectors.wrongStatuses.length]).toEqual([4, 35, 12]);
    expect([firstBytes.length, vectorBytes(wrongFirstBytesHex).length]).toEqual([32, 224]);
    expect([vectors.hellos.length, vectors.wrongHellos.length]).toEqual([4, 5]);
    expect([vectors.frameHeads.length, vectors.wrongFrameHeads.length]).toEqual([11, 6]);
    const lists = [exchanges, peripheralExchanges, vectors.controllerExchanges];
    expect(lists.map((list) => list.length)).toEqual([26, 23, 3]);
  });

  it.each(vectors.crc8)("have the CRC-8 of $hex", ({ hex, crc }) => {
    expect(headerCrc(vectorBytes(hex))).toBe(Number.parseInt(crc, 16));
  });

  it.each(vectors.statuses)("say $state, turn $turn, length $length", ({ state, turn, length, hex }) => {
    const status = { state: MailboxState[state], turn, length };
    expect(toHex(encodeStatus(status))).toBe(plain(hex));
    expect(decodeStatus(vectorBytes(hex))).toEqual(status);
  });

  it.each(vectors.wrongStatuses)("are no status: $name", ({ hex }) => {
    expect(decodeStatus(vectorBytes(hex))).toBeTypeOf("string");
  });

  it("begin a write as the text says, for all 256 first bytes", () => {
    for (const { hex, kind, number, turn } of vectors.firstBytes) {
      const header = { kind: KINDS[kind], number, ack: turn };
      expect(toHex(Uint8Array.of(encodeSegmentHeader(header)))).toBe(hex);
      expect(decodeSegmentHeader(Number.parseInt(hex, 16))).toEqual(header);
    }
    const wrong = [...vectorBytes(vectors.wrongFirstBytesHex)];
    expect(wrong.filter((byte) => decodeSegmentHeader(byte) !== undefined)).toEqual([]);
    const all = [...wrong, ...vectors.firstBytes.map(({ hex }) => Number.parseInt(hex, 16))];
    expect(new Set(all).size).toBe(256);
  });

  it.each(vectors.hellos)("greet with a limit of $limit", ({ limit, hex }) => {
    expect(toHex(encodeHello(limit))).toBe(plain(hex));
    expect(decodeHello(vectorBytes(hex))).toEqual({ limit });
  });

  it.each(vectors.wrongHellos)("are no hello: $name", ({ hex }) => {
    expect(decodeHello(vectorBytes(hex))).toBeUndefined();
  });

  it.each(vectors.frameHeads)("begin a frame of $length bytes", ({ length, hex }) => {
    expect(toHex(encodePrefix(length))).toBe(plain(hex));
    expect(decodePrefix(vectorBytes(hex))).toBe(length);
  });

  it.each(vectors.wrongFrameHeads)("begin no frame: $name", ({ hex }) => {
    expect(decodePrefix(vectorBytes(hex))).toBeUndefined();
  });
});

/** Takes a peripheral through an exchange; what it did, as the steps of the file. */
function playPeripheral({ peripheralLimit, steps }: Exchange): Step[] {
  let peripheral = new I2cMailboxPeripheral(peripheralLimit);
  const done: Step[] = [];
  for (const step of steps) {
    if (step.do === "peripheralDelivers") continue;
    done.push(step.do === "read" ? readFrom(peripheral, step) : step);
    if (step.do === "restart") peripheral = new I2cMailboxPeripheral(peripheralLimit);
    else if (step.do === "busy") peripheral.setBusy(step.isBusy);
    else if (step.do === "peripheralSends") peripheral.send(vectorBytes(step.frame));
    else if (step.do === "write" && step.arrived !== 0)
      peripheral.handleWrite(vectorBytes(step.hex).subarray(0, step.arrived));
    for (let frame = peripheral.pollFrame(); frame !== undefined; frame = peripheral.pollFrame())
      done.push({ do: "peripheralDelivers", frame: toHex(frame) });
  }
  return done;
}

function readFrom(peripheral: I2cMailboxPeripheral, step: Step & { readonly do: "read" }): Step {
  if (step.hex === undefined) return step;
  return { ...step, hex: toHex(peripheral.handleRead(vectorBytes(step.hex).length)) };
}

/** Takes a controller through an exchange; what it wanted, and what came out of it, as the steps of the file. */
function playController({ controllerLimit, steps }: Exchange): Step[] {
  let now = 0;
  const controller = new I2cMailboxController(now, controllerLimit);
  const done: Step[] = [];
  for (const step of steps) {
    if (step.do === "controllerDelivers") continue;
    if (step.do === "write" || step.do === "read") {
      now = Math.max(now, controller.pollTimeout(now));
      done.push(transact(controller, step, now));
    } else {
      if (step.do === "controllerSends") controller.send(vectorBytes(step.frame));
      done.push(step);
    }
    for (let frame = controller.pollFrame(); frame !== undefined; frame = controller.pollFrame())
      done.push({ do: "controllerDelivers", frame: toHex(frame) });
  }
  return done;
}

function transact(
  controller: I2cMailboxController,
  step: Step & { do: "write" | "read" },
  now: number,
): Step {
  const wanted = controller.nextOperation(now);
  if (wanted?.tag === "write") {
    if (step.failed) controller.handleFailure(now, "timeout", wanted.bytes.length);
    else controller.handleWritten(now);
    return step.do === "write"
      ? { ...step, hex: toHex(wanted.bytes) }
      : { do: "write", hex: toHex(wanted.bytes) };
  }
  if (wanted === undefined || step.do === "write") return { do: "read", length: wanted?.length ?? 0 };
  const given = step.damaged ?? step.hex;
  if (step.failed || given === undefined) controller.handleFailure(now, "timeout", wanted.length);
  else controller.handleRead(now, vectorBytes(given));
  const length = step.hex === undefined ? step.length : vectorBytes(step.hex).length;
  return length === wanted.length ? step : { do: "read", length: wanted.length };
}

const { exchanges, peripheralExchanges, controllerExchanges } = vectors;

describe("whole exchanges over a mailbox, frozen", () => {
  it.each([...exchanges, ...peripheralExchanges, ...controllerExchanges])(
    "are answered by a peripheral: $name",
    (exchange) => {
      expect(playPeripheral(exchange)).toEqual(exchange.steps);
    },
  );

  it.each([...exchanges, ...controllerExchanges])("are carried out by a controller: $name", (exchange) => {
    expect(playController(exchange)).toEqual(exchange.steps);
  });
});
