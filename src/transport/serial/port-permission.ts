import { readFile, realpath, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { basename } from "node:path";
import { TransportError } from "../../base/errors.ts";

const GROUP_READS_AND_WRITES = 0o060;

/** Who asks for a port. */
export interface Asker {
  readonly user: string;
  /** Groups of this process: those that the login had, not those that were added since. */
  readonly groups: readonly number[];
}

/** A port, as far as permission goes, with the names that the system has for its owner and group. */
export interface PortRights {
  readonly path: string;
  readonly device: string;
  readonly mode: number;
  readonly gid: number;
  readonly owner: string;
  readonly group: string;
  /** Users that are in the group according to the system's list. */
  readonly members: readonly string[];
}

/** Why a port may not be opened, and what helps, as it is seen: its owner, group and mode, and the user's groups. */
export function permissionText(rights: PortRights, { user, groups }: Asker): string {
  const { path, owner, group, mode } = rights;
  const octal = (mode & 0o7777).toString(8).padStart(4, "0");
  return `cannot open ${path}: permission denied; it is ${owner}:${group} ${octal}${reason(rights, user, groups)}`;
}

function reason(
  { device, mode, gid, group, members }: PortRights,
  user: string,
  groups: readonly number[],
): string {
  const base = basename(device);
  const name = base.startsWith("tty") ? base : "…";
  if (group === "tty" && (mode & GROUP_READS_AND_WRITES) !== GROUP_READS_AND_WRITES)
    return `, as a getty or a login leaves its port: stop that (\`sudo systemctl disable --now serial-getty@${name}.service\`, and take console=${name} off the kernel's command line), then plug the port in again or reboot`;
  if ((mode & GROUP_READS_AND_WRITES) !== GROUP_READS_AND_WRITES)
    return `, so that its group may not use it: give it to a group with a udev rule (SUBSYSTEM=="tty", KERNEL=="${name}", GROUP="dialout", MODE="0660")`;
  if (groups.includes(gid))
    return `, and this process is in ${group}: something else forbids it (an access list, a container's device rules, SELinux or AppArmor)`;
  if (members.includes(user))
    return `; ${user} is in ${group}, but not yet in this login: log out and in again, or start a shell with \`newgrp ${group}\``;
  const fix = group === "root" ? "" : ` (\`sudo usermod -aG ${group} ${user}\`, then log in again)`;
  return `, and ${user} is not in ${group}: ${fix === "" ? `give the port to a group such as dialout with a udev rule, and join that` : `join it${fix}`}`;
}

/** The TransportError `port-permission` for a port, after a look at it. */
export async function permissionError(path: string, cause: unknown): Promise<TransportError> {
  const rights = await rightsOf(path).catch(() => undefined);
  const asker = { user: userName(), groups: [...(process.getgroups?.() ?? []), process.getegid?.() ?? -1] };
  const message =
    rights === undefined
      ? `cannot open ${path}: permission denied, also to look at it; a folder on the way may be closed to this user`
      : permissionText(rights, asker);
  return new TransportError("port-permission", message, "final", { path }, cause);
}

async function rightsOf(path: string): Promise<PortRights> {
  const device = await realpath(path);
  const { mode, uid, gid } = await stat(device);
  const [users, groups] = await Promise.all([entriesOf("/etc/passwd"), entriesOf("/etc/group")]);
  const owner = users.find(([, , id]) => id === String(uid))?.[0] ?? String(uid);
  const [group = String(gid), , , members = ""] = groups.find(([, , id]) => id === String(gid)) ?? [];
  return { path, device, mode, gid, owner, group, members: members.split(",") };
}

/** Fields of the lines of a file like /etc/group; none if it cannot be read. */
async function entriesOf(file: string): Promise<string[][]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").map((line) => line.split(":"));
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "$USER";
  }
}
