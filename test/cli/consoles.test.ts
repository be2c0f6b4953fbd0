import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/recorder.ts";
import { SwitchedLine } from "../support/switched-line.ts";
import { NodesOnLines } from "./nodes-on-lines.ts";

/*
 * Lines that are somebody's console: a real shell, a real getty with login, and text that never ends. Real time is the
 * subject; the tests run at once and are idle nearly all of it.
 */

const LIMIT_MS = 150_000;
const IMAGE_BYTES = 40_000;
/** So long a rescuer is watched at a console that is not to be typed into. */
const WATCH_MS = 25_000;
const PROMPT_LIMIT_MS = 20_000;
/** A board that replaces a getty is found within this. */
const FOUND_LIMIT_MS = 90_000;
/** Boards are healed within this on a line with text for ever. */
const TEXT_LIMIT_MS = 120_000;
/** What U-Boot and a kernel print when they start, as far as a recogniser of text may look. */
const BOOT_LOG = [
  "",
  "U-Boot 2023.01+dfsg-2+deb12u3 (Jun 22 2026 - 08:38:07 +0000)",
  "",
  "DRAM:  128 MiB",
  "Core:  47 devices, 13 uclasses, devicetree: board",
  "In:    pl011@9000000",
  "Out:   pl011@9000000",
  "Net:   No ethernet found.",
  "Hit any key to stop autoboot:  2 \b\b\b 1 \b\b\b 0 ",
  "[    0.000000] Booting Linux on physical CPU 0x0",
  "[    0.000000] Machine model: linux,dummy-virt",
  "",
].join("\r\n");
const KERNEL_LINE_EVERY_MS = 5000;

let nodes: NodesOnLines;

beforeAll(async () => {
  nodes = await NodesOnLines.open(LIMIT_MS, IMAGE_BYTES);
});
afterAll(() => nodes.close());

async function withLine<Result>(use: (line: SwitchedLine) => Promise<Result>): Promise<Result> {
  const line = await SwitchedLine.open();
  try {
    return await use(line);
  } finally {
    await line.close();
  }
}

/** A kernel that prints a line every 5 s until the function that is returned is called; the first one comes at once. */
function kernelLines(print: (text: string) => void): () => void {
  let count = 0;
  const next = (): void => {
    const seconds = (5 + (count++ * KERNEL_LINE_EVERY_MS) / 1000).toFixed(6).padStart(12);
    print(`[${seconds}] usb 1-1: device not accepting address 2, error -71\r\n`);
  };
  next();
  const timer = setInterval(next, KERNEL_LINE_EVERY_MS);
  return () => clearInterval(timer);
}

describe.concurrent("a rescuer on a line that is a console", { timeout: LIMIT_MS }, () => {
  it("types nothing into a shell that prints something now and then", async () => {
    const [rc, history] = [nodes.bench.path("bashrc"), nodes.bench.path("history")];
    const settings = `HISTFILE=${history}; shopt -s histappend; PROMPT_COMMAND='history -a'; PS1='board:~$ '`;
    writeFileSync(rc, `${settings}\n(while sleep 4; do echo "a service says something"; done) & disown\n`);
    await withLine(async (line) => {
      const shell = await nodes.plugProgram(line, `bash --rcfile ${rc} -i`);
      await until(() => line.said.includes("board:~$ "), "prompt of bash", PROMPT_LIMIT_MS);
      const rescuer = await nodes.rescuer(line.path);
      await sleep(WATCH_MS);
      const { typed, said } = line;
      await rescuer.kill();
      await shell.close();
      expect(said.split("a service says something").length).toBeGreaterThan(4);
      expect(said).not.toMatch(/command not found|syntax error/);
      expect(Buffer.from(typed, "latin1").toString("hex")).toBe("");
      expect(existsSync(history) ? readFileSync(history, "utf8") : "").toBe("");
    });
  });

  it("does not log in at a getty, and heals the board that takes the getty's place", async ({ annotate }) => {
    await withLine(async (line) => {
      const getty = await nodes.plugProgram(line, "/usr/sbin/agetty -L --noclear - 115200 vt100");
      await until(() => line.said.includes("login: "), "prompt of getty", PROMPT_LIMIT_MS);
      const rescuer = await nodes.rescuer(line.path);
      await sleep(WATCH_MS);
      const { typed, said } = line;
      line.unplug();
      await getty.close();
      expect(said.split("login: ").length).toBe(2);
      expect(said).not.toMatch(/Password|incorrect/);
      expect(Buffer.from(typed, "latin1").toString("hex")).toBe("");
      const board = await nodes.plugTarget(line);
      const seconds = await board.healed(FOUND_LIMIT_MS);
      await annotate(`healed ${seconds.toFixed(1)} s after it had opened the line`);
      await rescuer.kill();
    });
  });

  it("heals a board though its own side hears a boot log, and a kernel's line every 5 s", async ({
    annotate,
  }) => {
    await withLine(async (line) => {
      const rescuer = await nodes.rescuer(line.path);
      line.say(BOOT_LOG);
      const stop = kernelLines((text) => line.say(text));
      const board = await nodes.plugTarget(line);
      const seconds = await board.healed(TEXT_LIMIT_MS);
      stop();
      await annotate(`healed after ${seconds.toFixed(1)} s`);
      await rescuer.kill();
    });
  });
});

describe.concurrent("a target on a line that is a console", { timeout: LIMIT_MS }, () => {
  it("is quiet for a minute of a boot log and a kernel's lines, and is healed within two", async ({
    annotate,
  }) => {
    await withLine(async (line) => {
      const board = await nodes.plugTarget(line);
      line.tell(BOOT_LOG);
      const stop = kernelLines((text) => line.tell(text));
      await sleep(2000);
      const before = line.said.length;
      const rescuer = await nodes.rescuer(line.path);
      const saidLater: Promise<number> = sleep(50_000).then(() => line.said.length - before);
      const seconds = await board.healed(TEXT_LIMIT_MS);
      stop();
      await annotate(
        `healed after ${seconds.toFixed(1)} s; ${before} bytes before, ${await saidLater} in 50 s of text`,
      );
      expect(await saidLater).toBe(0);
      await rescuer.kill();
    });
  });
});
