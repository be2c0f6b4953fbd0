// Preloaded with --import: kills the process with SIGKILL just before, or in the middle of, its n-th call that changes a
// file system. MAYDAY_KILL_AT is "7" or "7:half" (half of what was to be written is); MAYDAY_KILL_LOG names a file that
// takes the names of all such calls of a run to its end.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { fileURLToPath } from "node:url";

const [at = "0", how = ""] = (process.env["MAYDAY_KILL_AT"] ?? "").split(":");
const log = process.env["MAYDAY_KILL_LOG"];
const { writeFileSync } = fs;
const calls = [];

function die() {
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way; nothing may happen until it is there.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

/** Counts a call; the last one gets done half, if it can be. */
function step(name, half) {
  calls.push(name);
  if (calls.length !== Number(at)) return;
  if (how === "half") half?.();
  die();
}

function wrap(object, name, label, { isChange = () => true, half } = {}) {
  const original = object[name];
  object[name] = function (...args) {
    if (isChange(args)) step(label, half && (() => half.call(this, original, args)));
    return original.apply(this, args);
  };
}

const isWriting = ([, flags = "r"]) => {
  return typeof flags === "number"
    ? (flags & (fs.constants.O_CREAT | fs.constants.O_TRUNC)) !== 0
    : /[wa]/.test(flags);
};
const halved = (data, length = data.length) => data.slice(0, Math.floor(length / 2));
const changes = [
  "mkdir",
  "rename",
  "rm",
  "rmdir",
  "unlink",
  "link",
  "symlink",
  "truncate",
  "copyFile",
  "chmod",
];

for (const name of changes) {
  wrap(fs, `${name}Sync`, name);
  wrap(fs.promises, name, name);
}
for (const name of ["ftruncate", "fchmod", "fsync", "fdatasync"]) wrap(fs, `${name}Sync`, name);
wrap(fs, "openSync", "open", { isChange: isWriting });
wrap(fs.promises, "open", "open", { isChange: isWriting });
wrap(fs, "writeSync", "write", {
  half: (write, [fd, data, offset = 0, length = data.length - offset, position = null]) => {
    write(fd, data, offset, Math.floor(length / 2), position);
  },
});
wrap(fs, "writeFileSync", "writeFile", {
  half: (write, [path, data, options]) => write(path, halved(data), options),
});

const probe = await fs.promises.open(fileURLToPath(import.meta.url), "r");
const handle = Object.getPrototypeOf(probe);
await probe.close();
for (const name of ["sync", "datasync", "truncate", "chmod"]) wrap(handle, name, name);
wrap(handle, "write", "write", {
  half: function (_write, [data, offset = 0]) {
    fs.writeSync(this.fd, data.subarray(offset, offset + Math.floor((data.length - offset) / 2)));
  },
});
syncBuiltinESMExports();

if (log !== undefined) process.on("exit", () => writeFileSync(log, calls.join("\n")));
