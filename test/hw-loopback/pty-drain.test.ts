import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { buildHelper } from "../../src/transport/cable/helper-build.ts";
import { startVirtualCable, type VirtualCable } from "../../src/transport/cable/virtual-cable.ts";

const flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC"];
const library = String(await buildHelper({ name: "pty-drain", flags, libraries: [] }));
const ROUNDS = 50;

/** Ends a transfer as lrzsz does, many times. */
const ENDINGS = `
import os, sys, termios, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
for _ in range(${ROUNDS}):
    os.write(fd, b"OO")
    termios.tcdrain(fd)
    termios.tcflush(fd, termios.TCIOFLUSH)
    time.sleep(0.002)
`;
/** Drains and flushes both queues while its input holds a byte, and tells whether it is still there. */
const INPUT = `
import os, select, sys, termios
fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
os.write(fd, b"?")
select.select([fd], [], [], 5)
termios.tcdrain(fd)
termios.tcflush(fd, termios.TCIOFLUSH)
os.write(1, b"kept" if select.select([fd], [], [], 0)[0] else b"gone")
`;

let folder = "";
let cable: VirtualCable;
let far = -1;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "mayday-drain-test-"));
  cable = await startVirtualCable({ a: join(folder, "a"), b: join(folder, "b"), baud: 921_600 });
  far = openSync(cable.b, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
});
afterAll(async () => {
  closeSync(far);
  await cable.close();
  rmSync(folder, { recursive: true });
});

/** What the far end holds. */
function arrived(): string {
  const buffer = Buffer.alloc(4096);
  try {
    return buffer.toString("latin1", 0, readSync(far, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
    throw error;
  }
}

function runPython(program: string): { readonly ended: Promise<unknown>; readonly said: () => string } {
  const env = { ...process.env, LD_PRELOAD: library };
  const child = spawn("python3", ["-c", program, cable.a], { env, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  return { ended: once(child, "close"), said: () => text };
}

describe("a drain and a flush of both queues, with pty-drain preloaded", { timeout: 20_000 }, () => {
  it("lose nothing that was written before them", async () => {
    expect(await runPython(ENDINGS).ended).toEqual([0, null]);
    let received = "";
    await vi.waitFor(() => {
      received += arrived();
      expect(received).toBe("OO".repeat(ROUNDS));
    });
  });

  it("still discard the input", async () => {
    const { ended, said } = runPython(INPUT);
    await vi.waitFor(() => expect(arrived()).toBe("?"), { timeout: 5000 });
    writeSync(far, "!");
    expect(await ended).toEqual([0, null]);
    expect(said()).toBe("gone");
  });
});
