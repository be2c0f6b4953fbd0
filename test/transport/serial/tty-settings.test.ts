import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../src/base/virtual-clock.ts";
import { TtySettings } from "../../../src/transport/serial/tty-settings.ts";
import { openSocatPair, type SocatPair } from "../../support/socat-pair.ts";

const BAUD = 115_200;

let pair: SocatPair;
let fd: number;
let clock: VirtualClock;
let told: string[];
beforeEach(async () => {
  pair = await openSocatPair();
  fd = openSync(pair.a, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  clock = new VirtualClock();
  told = [];
  stty("raw", "-echo", String(BAUD));
});
afterEach(async () => {
  closeSync(fd);
  await pair.close();
});

/** What another program does to the port. */
function stty(...settings: readonly string[]): void {
  execFileSync("stty", ["-F", pair.a, ...settings]);
}

async function look(settings: TtySettings, afterMs: number): Promise<void> {
  clock.advanceTo(clock.now() + afterMs);
  await settings.look(
    fd,
    () => BAUD,
    (detail) => told.push(detail),
  );
}

describe("the settings of a port that another program changed", () => {
  it("are not named while they are as a link needs them", async () => {
    await look(new TtySettings(clock), 60_000);
    expect(told).toEqual([]);
  });

  it("are named when they are those of a terminal for typing, once, with the way back", async () => {
    const settings = new TtySettings(clock);
    stty("sane");
    for (let i = 0; i < 3; i++) await look(settings, 30_000);
    expect(told).toHaveLength(1);
    for (const word of ["icanon", "echo (", "icrnl", "opost", "stty raw -echo"])
      expect(told[0]).toContain(word);
  });

  it("are named again when they were right in between", async () => {
    const settings = new TtySettings(clock);
    for (const change of ["icrnl", "-icrnl", "icrnl"]) {
      stty(change);
      await look(settings, 30_000);
    }
    expect(told).toHaveLength(2);
    expect(told[1]).toContain("changed the port: icrnl (makes LF of CR); ");
  });

  it("are named when the rate is another one", async () => {
    stty("9600");
    await look(new TtySettings(clock), 30_000);
    expect(told[0]).toContain("9600 instead of 115200 baud");
  });

  it("are looked at every 30 s at most, and not in the first 5 s", async () => {
    const settings = new TtySettings(clock);
    stty("echo");
    await look(settings, 4999);
    expect(told).toEqual([]);
    await look(settings, 1);
    expect(told).toHaveLength(1);
    stty("icanon");
    await look(settings, 29_999);
    expect(told).toHaveLength(1);
    await look(settings, 1);
    expect(told).toHaveLength(2);
  });

  it("are looked at without a change of the descriptor: a read that blocks would keep the process from its end", async () => {
    const flags = (): string | undefined =>
      /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    const before = flags();
    await look(new TtySettings(clock), 30_000);
    expect(flags()).toBe(before);
    expect(Number.parseInt(before ?? "", 8) & constants.O_NONBLOCK).not.toBe(0);
  });

  it("lead to nothing for what is not a terminal", async () => {
    const file = openSync("/dev/null", "r");
    clock.advanceTo(60_000);
    await new TtySettings(clock).look(
      file,
      () => BAUD,
      (detail) => told.push(detail),
    );
    closeSync(file);
    expect(told).toEqual([]);
  });
});
