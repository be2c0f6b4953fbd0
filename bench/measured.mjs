// Commands of mayday whose processor time and memory are measured.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// Loaded into each measured process: writes what it took when it exits. CPU in microseconds, memory in KiB.
const PROBE = `import { writeFileSync } from "node:fs";
process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  writeFileSync(process.env.MAYDAY_MEASURED_FILE, JSON.stringify({ cpu: userCPUTime + systemCPUTime, maxRSS }));
});
`;

/** What starts measured commands; its files lie in `folder`. */
export function measuredIn(folder) {
  const probe = join(folder, "probe.mjs");
  writeFileSync(probe, PROBE);
  /**
   * Starts `MAIN ARGS --json` under a name of its own. `ended` resolves with its exit code, its JSON lines with the verdict beside
   * them, seconds of processor, MiB of memory at most, and when it ended.
   */
  return function start(main, name, ...args) {
    const file = join(folder, `${name}.measured`);
    const env = { ...process.env, MAYDAY_MEASURED_FILE: file };
    const child = spawn(process.execPath, ["--import", probe, main, ...args, "--json"], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    const ended = new Promise((settle) => {
      child.on("close", (code) => {
        process.off("exit", kill);
        const endedAt = performance.now();
        const lines = text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
        const verdict = lines.find(({ event }) => event === "verdict");
        // A command that was killed wrote nothing.
        const { cpu, maxRSS } =
          code === null ? { cpu: NaN, maxRSS: NaN } : JSON.parse(readFileSync(file, "utf8"));
        settle({ code, lines, verdict, cpu: cpu / 1e6, mebibytes: maxRSS / 1024, endedAt });
      });
    });
    return { child, ended, text: () => text };
  };
}
