import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, type RunningCli, runCli, startCli, verdictOf } from "../support/cli.ts";
import { type I2cRig, openI2cRig } from "../support/i2c-rig.ts";
import { openSocatPair } from "../support/socat-pair.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

const ADDON = fileURLToPath(new URL("../../node_modules/i2c-bus/build/Release/i2c.node", import.meta.url));

let bench: Workbench;
let rig: I2cRig;
let image: string;

beforeAll(async () => {
  if (!existsSync(ADDON)) {
    throw new Error(
      "the i2c-bus addon is not compiled: apt-get install g++ make python3, npm rebuild i2c-bus",
    );
  }
  bench = await openWorkbench();
  rig = await openI2cRig();
  // As on a real machine, the bus exists before anything is connected to it.
  await mkdir(rig.bus(1), { recursive: true, mode: 0o700 });
  image = await bench.image("bus", "owner");
});
afterAll(async () => {
  await rig.close();
  await bench.close();
});

const peripheral = (address: number): string =>
  `i2c-peripheral:${rig.bus(1)}?address=0x${address.toString(16)}`;
const controller = (address: number): string => `i2c:/dev/i2c-1?address=0x${address.toString(16)}`;

/** The controller's process: the real addon, with the shim under it. */
function onBus(...args: string[]): RunningCli {
  return startCli([...args, "--json", "--timeout", "12"], { env: rig.env() });
}

async function expectHealed(board: string): Promise<void> {
  expect((await runCli(["board", "boot", board])).code).toBe(0);
  await runCli(["board", "read", board, "--out", `${board}.bin`]);
  expect(Buffer.compare(await readFile(`${board}.bin`), bench.firmware)).toBe(0);
}

const codes = async (...running: RunningCli[]): Promise<number[]> =>
  (await Promise.all(running.map(({ ended }) => ended))).map(({ code }: CliResult) => code);

describe("over I2C, with the real addon on the test rig's bus,", () => {
  it("a board at 0x42 is healed by the controller", async () => {
    const board = await bench.board("b42");
    const target = startCli(["distress", "--link", peripheral(0x42), "--board", board, "--timeout", "12"]);
    const rescuer = onBus("rescue", "--link", controller(0x42), "--image", image, "--once");
    expect(await codes(target, rescuer)).toEqual([0, 0]);
    await expectHealed(board);
  });

  it("two boards on one bus are healed by one rescue", async () => {
    const boards = [await bench.board("b50"), await bench.board("b51")];
    const targets = boards.map((board, i) =>
      startCli(["distress", "--link", peripheral(0x50 + i), "--board", board, "--timeout", "12"]),
    );
    const links = ["--link", controller(0x50), "--link", controller(0x51)];
    const rescuer = onBus("rescue", ...links, "--image", image);
    expect(await codes(...targets)).toEqual([0, 0]);
    rescuer.child.kill("SIGTERM");
    await rescuer.ended;
    for (const board of boards) await expectHealed(board);
  });

  it("a controller in distress is healed by a peripheral that holds the image", async () => {
    const board = await bench.board("controller");
    const rescuer = startCli([
      "rescue",
      "--link",
      peripheral(0x43),
      "--image",
      image,
      "--once",
      "--timeout",
      "12",
    ]);
    const target = onBus("distress", "--link", controller(0x43), "--board", board);
    expect(await codes(rescuer, target)).toEqual([0, 0]);
    await expectHealed(board);
  });

  it("a target that is killed resumes its transfer", async () => {
    const board = await bench.board("killed");
    const begin = (): RunningCli =>
      startCli(["distress", "--link", peripheral(0x44), "--board", board, "--timeout", "12", "--json"]);
    const first = begin();
    const rescuer = onBus("rescue", "--link", controller(0x44), "--image", image, "--once");
    await first.saw(/"progress"/);
    first.child.kill("SIGKILL");
    await sleep(200);
    expect(await codes(begin(), rescuer)).toEqual([0, 0]);
    await expectHealed(board);
  });

  it("one rescue heals a board on a UART and one on I2C, and a stalled link does not delay the other", async () => {
    const pair = await openSocatPair();
    const [onUart, onI2c] = [await bench.board("uart"), await bench.board("i2c")];
    const uart = startCli([
      "distress",
      "--link",
      `serial:${pair.a}?baud=921600`,
      "--board",
      onUart,
      "--timeout",
      "12",
    ]);
    const i2c = startCli(["distress", "--link", peripheral(0x46), "--board", onI2c, "--timeout", "12"]);
    // Nothing answers at 0x47, so that this link stalls.
    const links = [`serial:${pair.b}?baud=921600`, controller(0x46), controller(0x47)];
    const rescuer = onBus("rescue", ...links.flatMap((link) => ["--link", link]), "--image", image);
    expect(await codes(uart, i2c)).toEqual([0, 0]);
    rescuer.child.kill("SIGTERM");
    expect(verdictOf(await rescuer.ended)).toMatchObject({ event: "verdict" });
    for (const board of [onUart, onI2c]) await expectHealed(board);
    await pair.close();
  });

  it("a bus that does not exist is an error with advice, and exit 6", async () => {
    const result = await runCli([
      "rescue",
      "--link",
      "i2c:/dev/i2c-9?address=0x42",
      "--image",
      image,
      "--once",
    ]);
    expect(result.code).toBe(6);
  });
});
