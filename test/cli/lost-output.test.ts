import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../support/as-root.ts";
import { runCli } from "../support/cli.ts";
import { type BashRun, runBash } from "../support/run-bash.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

let bench: Workbench;
let count = 0;
beforeAll(async () => {
  bench = await openWorkbench();
  await runCli(["repo", "add", bench.path("fw.mdy"), "--repo", bench.path("images")]);
});
afterAll(() => bench.close());

/** Runs a line of bash, in which $MAYDAY is the command; its exit code is that of `mayday`. */
function bash(line: string): Promise<BashRun> {
  const env = { MAYDAY: `${process.execPath} ${MAIN}` };
  return runBash(`${line}; exit "\${PIPESTATUS[0]}"`, { env });
}

const SIM = "sim --topology line --nodes 9 --seed 1 --broken 1";

/** A command line of each kind that prints a result. */
const RESULTS: readonly (readonly [string, () => string | Promise<string>])[] = [
  ["keygen", () => `keygen --out ${bench.path(`k${count++}`)}`],
  ["keygen of a link key", () => `keygen --link-key ${bench.path(`l${count++}`)}`],
  [
    "image build",
    () =>
      `image build --in ${bench.path("firmware.bin")} --hardware a/w --version 1.0.0 --out ${bench.path("o.mdy")}`,
  ],
  ["image inspect", () => `image inspect ${bench.path("fw.mdy")}`],
  ["image verify", () => `image verify ${bench.path("fw.mdy")} --trust ${bench.path("owner.pub")}`],
  ["repo add", () => `repo add ${bench.path("fw.mdy")} --repo ${bench.path(`r${count++}`)}`],
  ["repo list", () => `repo list --repo ${bench.path("images")}`],
  ["repo verify", () => `repo verify --repo ${bench.path("images")}`],
  [
    "board init",
    () => `board init ${bench.path(`n${count++}`)} --hardware a/w --flash-size 64K --allow-unsigned`,
  ],
  ["board boot", async () => `board boot ${await board()}`],
  ["board status", async () => `board status ${await board()}`],
  ["board confirm", async () => `board confirm ${await board()}`],
  ["board trust", async () => `board trust ${await board()}`],
  ["board damage", async () => `board damage ${await board()}`],
  ["board read", async () => `board read ${await board()} --out ${bench.path("read.bin")}`],
  ["ports", () => "ports"],
  ["sim", () => SIM],
];

async function board(): Promise<string> {
  return await bench.board(`board-${count++}`, bench.path("fw.mdy"));
}

describe("a result that cannot be written", () => {
  test.each(RESULTS)(
    "is a failure of %s, said once, with what to do, and with --json too",
    async (_name, line) => {
      for (const json of ["", "--json"]) {
        const { code, stderr } = await bash(`$MAYDAY ${await line()} ${json} > /dev/full`);
        expect(stderr).toMatch(
          /mayday: the result could not be written to standard output: no room is left .*; /,
        );
        expect(stderr.match(/mayday:/g)).toHaveLength(1);
        expect(stderr).not.toMatch(/ENOSPC|\bat .*:\d+:\d+/);
        expect(code).toBe(1);
      }
    },
  );

  test("leaves what the command did", async () => {
    const dir = bench.path("done");
    expect((await bash(`$MAYDAY repo add ${bench.path("fw.mdy")} --repo ${dir} > /dev/full`)).code).toBe(1);
    expect(readdirSync(dir)).toHaveLength(1);
  });

  test("leaves the exit code and the words of a command that failed for another reason", async () => {
    const { code, stderr } = await bash(`$MAYDAY repo list --repo ${bench.path("none")} --json > /dev/full`);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^mayday: .*there is no such repository.*\n$/);
  });

  asRoot(
    "is one that a file system which gets full has cut, although the first part was written",
    async () => {
      const dir = bench.path("full");
      mkdirSync(dir);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=4k", "tmpfs", dir]);
      try {
        // One write, of which the only page takes the first bytes.
        writeFileSync(`${dir}/out`, "x".repeat(4080));
        const { code, stderr } = await bash(`$MAYDAY image inspect ${bench.path("fw.mdy")} >> ${dir}/out`);
        expect(statSync(`${dir}/out`).size).toBe(4096);
        expect(stderr).toMatch(/could not be written to standard output: no room is left/);
        expect(code).toBe(1);
      } finally {
        execFileSync("umount", [dir]);
      }
    },
  );

  test("is one when only the version was asked for", async () => {
    const { code, stderr } = await bash("$MAYDAY --version > /dev/full");
    expect(stderr).toMatch(/could not be written to standard output/);
    expect(code).toBe(1);
  });
});

describe("a result that is written", () => {
  test("is the same in a file as in a pipe", async () => {
    const file = bench.path("sim.txt");
    const piped = await bash(`$MAYDAY ${SIM} --json`);
    expect((await bash(`$MAYDAY ${SIM} --json > ${file}`)).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(piped.stdout);
    expect((await bash(`$MAYDAY ${SIM} --json >> ${file}`)).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(piped.stdout.repeat(2));
  });

  test.each([`${SIM} --json`, "rescue --help", "board init --help", "--version", "image", "frobnicate"])(
    "may find that its reader has ended, without a stack trace: %s",
    async (line) => {
      const whole = await bash(`$MAYDAY ${line}`);
      for (const reader of ["true", "head -c 1 >/dev/null"]) {
        const { code, stderr } = await bash(`$MAYDAY ${line} | ${reader}`);
        expect(stderr).toBe(whole.stderr);
        expect(code).toBe(whole.code);
      }
    },
  );

  test("goes to a terminal's place where nothing takes it: closed, and /dev/null", async () => {
    for (const to of [">/dev/null", ">&-"]) {
      expect(await bash(`$MAYDAY image inspect ${bench.path("fw.mdy")} ${to}`)).toMatchObject({
        code: 0,
        stderr: "",
      });
    }
  });
});
