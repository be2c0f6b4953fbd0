import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** What is behind a serial port's path. `unknown`: this system does not say (no sysfs, or the port is missing). */
export type TtyKind = "pseudo" | "native" | "usb" | "unknown";

/** Looks at what a path leads to, not at how it is spelled. Opens nothing, never throws. `root` is for tests. */
export function ttyKindOf(path: string, root = "/"): TtyKind {
  const named = root === "/" ? path : join(root, path);
  const device = resolved(named) ?? named;
  if (dirname(device) === join(root, "dev/pts")) return "pseudo";
  const entry = join(root, "sys/class/tty", basename(device));
  if (!existsSync(entry)) return "unknown";
  return usbDeviceOf(join(entry, "device")) === undefined ? "native" : "usb";
}

/**
 * The USB device above a tty's device in sysfs: the first directory upwards that has a vendor id, four levels at most.
 * Undefined: none, so the tty is not behind USB.
 */
export function usbDeviceOf(device: string): string | undefined {
  let directory = resolved(device);
  for (let level = 0; level < 4 && directory !== undefined; level++) {
    if (existsSync(join(directory, "idVendor"))) return directory;
    directory = dirname(directory);
  }
  return undefined;
}

function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
