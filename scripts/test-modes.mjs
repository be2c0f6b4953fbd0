#!/usr/bin/env node
// Runs the tests under other umasks, and as a user without privileges: `npm run test:modes [-- NAME...] [-- PATH...]`.
// NAME is umask-0, umask-077 or user; all three unless given. PATH limits the tests, as with vitest. The user's run needs
// root to start; what needs root to run is named. The last line is `N passed, N failed`.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROOT = new URL("..", import.meta.url).pathname;
/** "nobody" of Debian. */
const USER = 65_534;
const AS_USER = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
/** Tests of this title say what could not be run. */
const NEEDS_ROOT = /\bneeds? root\b/;

const RUNS = {
  "umask-0": (paths) => vitest(ROOT, paths, "000", []),
  "umask-077": (paths) => vitest(ROOT, paths, "077", []),
  user: asUser,
};

/** Runs vitest in `folder` and returns its report. */
function vitest(folder, paths, umask, prefix, env = process.env) {
  const report = join(folder, "test-report/modes.json");
  mkdirSync(dirname(report), { recursive: true });
  if (prefix.length > 0) chownSync(dirname(report), USER, USER);
  rmSync(report, { force: true });
  const script = `umask ${umask}; exec "$@"`;
  const command = [join(folder, "node_modules/.bin/vitest"), "run", ...paths];
  const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${report}`];
  const words = [...prefix, "sh", "-c", script, "sh", process.execPath, ...command, ...reporters];
  spawnSync(words[0], words.slice(1), { cwd: folder, stdio: "inherit", env });
  return JSON.parse(readFileSync(report, "utf8"));
}

/** A copy of the tracked files that belongs to the user, with a home of its own. */
function asUser(paths) {
  if (process.geteuid() !== 0) {
    process.stdout.write("this is a user without privileges already\n");
    return vitest(ROOT, paths, "022", []);
  }
  const dir = mkdtempSync(join(tmpdir(), "mayday-user-"));
  try {
    const copy = join(dir, "mayday");
    const { stdout } = spawnSync("git", ["ls-files", "-z", "-c", "-o", "--exclude-standard"], {
      cwd: ROOT,
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    for (const path of stdout.split("\0").filter((name) => name !== "")) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      cpSync(join(ROOT, path), join(copy, path));
    }
    spawnSync("cp", ["-a", join(ROOT, "node_modules"), copy]);
    spawnSync("git", ["init", "--quiet"], { cwd: copy });
    spawnSync("git", ["add", "-A"], { cwd: copy });
    mkdirSync(join(dir, "home"));
    mkdirSync(join(dir, "tmp"));
    const parts = [copy, join(dir, "home"), join(dir, "tmp")];
    spawnSync("chown", ["-R", `${USER}:${USER}`, ...parts]);
    chmodSync(dir, 0o755);
    // Folders that only root may look into would turn "not there" into "not allowed".
    const path = `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
    const env = { ...process.env, HOME: join(dir, "home"), TMPDIR: join(dir, "tmp"), PATH: path };
    return vitest(copy, paths, "022", AS_USER, env);
  } finally {
    // As the user, who may have put links there.
    spawnSync(AS_USER[0], [
      ...AS_USER.slice(1),
      "rm",
      "-rf",
      join(dir, "mayday"),
      join(dir, "home"),
      join(dir, "tmp"),
    ]);
    for (const name of ["mayday", "home", "tmp"]) if (existsSync(join(dir, name))) rmdirSync(join(dir, name));
    rmdirSync(dir);
  }
}

const words = process.argv.slice(2).filter((word) => word !== "--");
const chosen = words.filter((word) => Object.hasOwn(RUNS, word));
const paths = words.filter((word) => !Object.hasOwn(RUNS, word));
let passed = 0;
let failed = 0;
for (const name of chosen.length > 0 ? chosen : Object.keys(RUNS)) {
  process.stdout.write(`\n== ${name}\n`);
  const report = RUNS[name](paths);
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map(({ fullName, status }) => ({ file: file.name, fullName, status })),
  );
  const broken = tests.filter(({ status }) => status === "failed");
  // A file that cannot be loaded has no tests.
  const unread = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  );
  for (const { file, fullName } of broken) process.stdout.write(`failed: ${file}: ${fullName}\n`);
  for (const { name: file, message } of unread) process.stdout.write(`failed: ${file}: ${message}\n`);
  const skipped = tests.filter(({ status }) => status === "skipped" || status === "pending");
  for (const { fullName } of skipped) process.stdout.write(`skipped: ${fullName}\n`);
  for (const { fullName } of tests.filter((test) => NEEDS_ROOT.test(test.fullName))) {
    process.stdout.write(`not run, as it needs root: ${fullName}\n`);
  }
  const good = tests.filter(({ status }) => status === "passed").length;
  process.stdout.write(
    `${name}: ${good} passed, ${broken.length + unread.length} failed, ${skipped.length} skipped\n`,
  );
  passed += good;
  failed += broken.length + unread.length + skipped.length + (good === 0 ? 1 : 0);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
