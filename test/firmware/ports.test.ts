import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { freePort, openWorkbench, type Workbench } from "../cli/workbench.ts";
import { runCli, verdictOf } from "../support/cli.ts";
import { buildPort, trustedKey } from "../support/firmware-port.ts";
import { exists, files, ROOT, read, some } from "../tidy/repository.ts";

const STUBS = "firmware-stubs";

/** How mayday_target_run of ports/bootloader/loop.h ends. */
const BOOTS = 0;
const GAVE_UP = 1;

let bench: Workbench;
let standIn: string;

beforeAll(async () => {
  bench = await openWorkbench();
  standIn = join(buildPort("bootloader", [trustedKey(bench.path("owner.pub"))]), "stand-in");
}, 240_000);
afterAll(() => bench.close());

/** The stand-in's UART on a TCP port. The process ends with the test. */
async function listen(windowMs: number): Promise<{ readonly link: string; readonly child: ChildProcess }> {
  const child = spawn(standIn, [`${windowMs}`], { stdio: ["pipe", "pipe", "ignore"] });
  const server = createServer((socket) => {
    socket.on("error", () => {}).pipe(child.stdin, { end: false });
    child.stdout.pipe(socket);
  });
  child.stdin.on("error", () => {}); // it has ended
  onTestFinished(() => {
    child.kill("SIGKILL");
    server.close();
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return { link: `tcp:127.0.0.1:${port}`, child };
}

describe("the port for boot loaders like MCUboot", () => {
  it("calls for help for as long as its window is, and then lets the boot loader go on", () => {
    const start = performance.now();
    const { status, stdout } = spawnSync(standIn, ["400"], { input: "", timeout: 10_000 });
    expect(status).toBe(GAVE_UP);
    expect(performance.now() - start).toBeGreaterThan(350);
    // A distress, in COBS.
    expect(stdout.includes(Buffer.from("001b1003", "hex"))).toBe(true);
  });

  it("does not outlast its window when the line never pauses", () => {
    const noise = Buffer.alloc(64 << 20, "Uboot> ");
    const { status } = spawnSync(standIn, ["300"], { input: noise, timeout: 10_000 });
    expect(status).toBe(GAVE_UP);
  });

  it("heals the slot in its flash area, and says that it boots", async () => {
    const hardware = { vendor: "example", hardwareClass: "boot-loader" };
    const input = bench.path("small.bin");
    await writeFile(input, bench.firmware.subarray(0, 15_000));
    const image = await bench.image("small", "owner", { ...hardware, blockSize: 1024 }, input);
    const { link, child } = await listen(20_000);
    const ended = once(child, "exit");
    const result = await runCli([
      "rescue",
      "--link",
      link,
      "--image",
      image,
      "--once",
      "--json",
      "--timeout",
      "12",
    ]);
    expect(verdictOf(result)).toMatchObject({ ok: true, reason: "healed", blocks: 15 });
    expect(await ended).toEqual([BOOTS, null]);
  }, 60_000);
});

const WARNINGS = [
  "-std=c99",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-pedantic",
  "-Wconversion",
  "-Wsign-conversion",
];
const FOLDERS = ["include", "src", "ports/bootloader", "ports/template", "ports/bootloader/stand-in"];

/** What a compiler says to a file; "" when it is content. */
function compile(command: readonly string[], path: string, ...more: string[]): string {
  const includes = FOLDERS.map((folder) => `-I${join(ROOT, STUBS, folder)}`);
  const [program = "", ...flags] = command;
  const args = [...flags, ...WARNINGS, ...includes, ...more, "-c", join(ROOT, path), "-o", "/dev/null"];
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? "" : `${path}: ${error?.message ?? stderr}`;
}

describe("what is copied into other projects", () => {
  const copied = files(/^firmware-stubs\/(examples\/.*|ports\/(template|bootloader)\/[^/]*)\.c$/);
  const cortex = ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-Os"];

  it("compiles for a Cortex-M3, with the self-tests and without", () => {
    const told = some("files", copied).flatMap((path) => [
      compile(cortex, path),
      compile(cortex, path, "-DBRING_UP"),
    ]);
    expect(told.filter((text) => text !== "")).toEqual([]);
  });

  it("compiles where an int has 16 bits", () => {
    const avr = ["avr-gcc", "-mmcu=atmega2560", "-Os"];
    const wanted = copied.filter((path) => !path.endsWith("mcuboot.c"));
    expect(
      some("files", wanted)
        .map((path) => compile(avr, path))
        .filter((text) => text !== ""),
    ).toEqual([]);
  });
});

describe("the packages for ESP-IDF and Zephyr", () => {
  it("have an option for each macro of the CMake build, with the same default", () => {
    const options = read(`${STUBS}/cmake/options.cmake`);
    const switches = [...options.matchAll(/^option\((MAYDAY_WITH_\w+) ".*" (ON|OFF)\)$/gm)];
    const size =
      /^set\((MAYDAY_\w+) (?:(\d+) CACHE STRING|"" CACHE STRING "[^"]*; (\d+) where this is empty")/gm;
    const sizes = [...options.matchAll(size)];
    const wanted = [
      ...switches.map(([, name, value]) => `${name} ${value === "ON" ? "y" : "n"}`),
      ...sizes.map(([, name, value, whereEmpty]) => `${name} ${value ?? whereEmpty}`),
    ];
    const found = [
      ...read(`${STUBS}/Kconfig`).matchAll(/^config (MAYDAY_\w+)\n {4}.*\n {4}default (\w+)$/gm),
    ];
    expect(found.map(([, name, value]) => `${name} ${value}`)).toEqual(some("options", wanted));
  });

  it("name files and folders that exist", () => {
    const named = ["zephyr/module.yml", "zephyr/CMakeLists.txt", "ports/esp-idf/component.cmake"].flatMap(
      (path) =>
        [
          ...read(`${STUBS}/${path}`).matchAll(
            /(?:\$\{mayday\}\/|: )((?:cmake|zephyr|include|src)\b[\w./]*)|\/(Kconfig\.cmake)/g,
          ),
        ].map(([, one, other]) => one ?? other ?? ""),
    );
    expect(some("paths", named).filter((path) => !exists(`${STUBS}/${path}`))).toEqual([]);
    expect(read(`${STUBS}/CMakeLists.txt`)).toMatch(
      /^if\(ESP_PLATFORM\)\n {2}include\(\$\{CMAKE_CURRENT_LIST_DIR\}\/ports\/esp-idf\/component\.cmake\)\n {2}return/m,
    );
  });
});
