// One of each class of error, as people see it: what is typed, and how it ends.
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mayday, startCable } from "../../hw-loopback/lib.mjs";
import { faultsOf } from "./checks.mjs";

const LIMIT_MS = 30_000;
const BUILD = "mayday image build --hardware acme/pump --version 1.4.0";
const RESCUE = "mayday rescue --repo images --once";

/**
 * `typed` on a line of its own, `beside` on the other side of the line; `code` and `shows` are of `typed`. `ends`: "cable", or
 * what socat puts behind the port `p`.
 */
export const ERRORS = [
  {
    title: "a misspelt flag, and none of the right ones",
    typed: "mayday rescue --lnk p",
    code: 2,
    shows: ["did you mean --link"],
  },
  { title: "a command of another tool", typed: "mayday flash fw.bin", code: 2, shows: ["did you mean"] },
  {
    title: "flags that are missing",
    typed: "mayday image build --in fw.bin",
    code: 2,
    shows: ["--hardware", "--version", "--out"],
  },
  {
    title: "a file that is not there",
    typed: `${BUILD} --in fw2.bin --out f.mdy`,
    code: 2,
    shows: ["fw2.bin"],
  },
  {
    title: "a key as firmware",
    typed: `${BUILD} --in owner.key --out f.mdy`,
    code: 2,
    shows: ["owner.key", "private key"],
  },
  {
    title: "a damaged image file",
    typed: "mayday image verify cut.mdy --trust owner.pub",
    code: 1,
    shows: ["cut.mdy"],
  },
  { title: "a port that is not there", typed: `${RESCUE} --link nope`, code: 6, shows: ["cannot open nope"] },
  { title: "a board that does not boot", typed: "mayday board boot broken", code: 5, shows: ["damaged"] },
  {
    title: "nobody answers",
    ends: "cable",
    typed: "mayday distress --link p --board broken --timeout 2",
    code: 3,
    shows: ["nothing was received"],
  },
  {
    title: "a login prompt on the line",
    ends: "EXEC:sh login.sh,pty,setsid,raw",
    typed: `${RESCUE} --link p --timeout 4`,
    code: 3,
    shows: ["login prompt", "getty"],
  },
  {
    title: "a line that echoes",
    ends: "EXEC:cat,pipes",
    typed: "mayday distress --link p --board broken --timeout 3",
    code: 3,
    shows: ["its own bytes", "loopback jumper"],
  },
  {
    title: "the other side runs at another rate",
    ends: "cable",
    beside: "mayday distress --link 'serial:q?baud=9600' --board broken --timeout 9",
    typed: `${RESCUE} --link 'serial:p?baud=115200' --timeout 6`,
    code: 3,
    shows: ["baud"],
  },
  {
    title: "an image that nobody trusts",
    ends: "cable",
    beside: "mayday rescue --link q --image other.mdy --once --timeout 8",
    typed: "mayday distress --link p --board broken --timeout 5",
    code: 4,
    shows: ["refused"],
  },
  {
    title: "no image for this hardware",
    ends: "cable",
    beside: "mayday rescue --link q --image valve.mdy --timeout 6",
    typed: "mayday distress --link p --board broken --timeout 4",
    code: 4,
    shows: ["acme/valve", "acme/pump"],
  },
  {
    title: "nothing in the repository for this hardware",
    ends: "cable",
    beside: "mayday rescue --link q --repo valves --timeout 6",
    typed: "mayday distress --link p --board broken --timeout 4",
    code: 3,
    shows: ["other hardware"],
  },
  {
    title: "a port that another program uses",
    ends: "cable",
    beside: "mayday rescue --link p --repo images --timeout 6",
    typed: `${RESCUE} --link p --timeout 3`,
    code: 6,
    shows: ["rescue"],
  },
];

/** Adds to the bench what errors need: a broken board, and images that are damaged, foreign or of other hardware. */
export function prepareErrors({ dir }) {
  const path = (name) => join(dir, name);
  mayday("keygen", "--out", path("other"));
  const build = (out, key, hardware) => {
    const what = ["--hardware", hardware, "--version", "1.5.0", "--key", path(`${key}.key`)];
    mayday("image", "build", "--in", path("fw.bin"), ...what, "--out", path(out));
  };
  build("other.mdy", "other", "acme/pump");
  build("valve.mdy", "owner", "acme/valve");
  mayday("repo", "add", path("valve.mdy"), "--repo", path("valves"));
  writeFileSync(
    path("login.sh"),
    "while sleep 1; do printf '\\r\\nDebian GNU/Linux 12 pump ttyS0\\r\\n\\r\\npump login: '; done\n",
  );
  writeFileSync(path("cut.mdy"), readFileSync(path("fw.mdy")).subarray(0, 30_000));
}

/** A board of this error's own, since two commands at a time cannot use one. */
function breakBoard(dir, name) {
  const board = join(dir, name);
  const flags = ["--hardware", "acme/pump", "--flash-size", "256K", "--trust", join(dir, "owner.pub")];
  mayday("board", "init", board, ...flags, "--image", join(dir, "fw.mdy"));
  mayday("board", "damage", board);
}

/** The ends of a line in the bench's folder, `p` and `q` behind a prefix. */
async function openEnds(ends, dir, path) {
  if (ends === "cable") {
    const cable = await startCable("--a", path("p"), "--b", path("q"), "--strict-baud");
    return cable.close;
  }
  const program = spawn("socat", [`PTY,link=${path("p")},raw,echo=0`, ends], { cwd: dir, stdio: "ignore" });
  const gone = new Promise((resolve) => program.once("close", resolve));
  for (let i = 0; i < 100 && !existsSync(path("p")); i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return () => {
    program.kill();
    return gone;
  };
}

/** Ids differ from run to run, and no board is mistaken for another where there is one. */
function picture(title, screen, expected) {
  const ids = screen.lines.join("\n").match(/\b[0-9a-f]{8}\b/g) ?? [];
  const { rows, columns } = screen;
  return { title: `Error: ${title}`, columns, rows, faults: faultsOf(screen, { ...expected, ids }) };
}

/** The screens of one error. `mark` sets its files apart from those of the others. */
export async function showError(error, bench, terminals, columns) {
  const { title, ends, beside, typed, code, shows } = error;
  const mark = `${ERRORS.indexOf(error)}x${columns}`;
  const own = (command) =>
    command.replace(/\b([pq])(?=[ ?]|$)/g, `$1${mark}`).replaceAll("broken", `broken${mark}`);
  if (typed.includes("broken") || beside?.includes("broken")) breakBoard(bench.dir, `broken${mark}`);
  const close =
    ends === undefined
      ? undefined
      : await openEnds(ends, bench.dir, (end) => join(bench.dir, `${end}${mark}`));
  try {
    const [terminal, other] = [await terminals.open(columns), await terminals.open(columns)];
    if (beside !== undefined) {
      other.type(own(beside));
      await other.until(({ lines }) => lines.some((line) => line.includes("listening")), LIMIT_MS);
    }
    terminal.type(own(typed));
    const screen = await terminal.ended(LIMIT_MS);
    const pictures = [picture(title, screen, { code, shows })];
    if (beside !== undefined)
      pictures.push(picture(`${title}; the other side`, await other.ended(LIMIT_MS), {}));
    return pictures;
  } finally {
    await close?.();
  }
}
