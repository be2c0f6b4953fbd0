import { readWholeFile } from "./whole-file.ts";

/** Owner and mode of a file or folder, as a status of it gives them. */
export interface Rights {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const WORLD_WRITE = 0o002;
const WORLD_SEARCH = 0o001;
const GROUP_WRITE = 0o020;
const GROUP_SEARCH = 0o010;
const STICKY = 0o1000;
/** Longest list of accounts that is read, in bytes. */
const ACCOUNTS_MAX = 1_048_576;

/** Reads the system's lists of users and groups; undefined when there is none. Tests pass made-up lists. */
export type AccountList = (path: "/etc/passwd" | "/etc/group") => string | undefined;

/**
 * Who may write a file or folder besides its owner and root: "everybody", "group 100 (users)"; undefined when nobody
 * may. The owner's private group is nobody else: it has the same number or name as the owner, and no other member.
 * Access control lists are seen only as far as the mode of the group shows them.
 */
export function otherWriters(rights: Rights, accounts: AccountList = readAccounts): string | undefined {
  return othersWith(rights, WORLD_WRITE, GROUP_WRITE, accounts);
}

/** Whether others may look up names in a folder, and so reach what is in it. */
export function isOpenToOthers(rights: Rights, accounts: AccountList = readAccounts): boolean {
  return othersWith(rights, WORLD_SEARCH, GROUP_SEARCH, accounts) !== undefined;
}

/** Whether names in a folder that others may write are safe from them: only an entry's owner may rename it. */
export function isSticky({ mode }: Rights): boolean {
  return (mode & STICKY) !== 0;
}

/** Whether a mode gives anyone but the owner any right to the file. */
export function isSharedMode(mode: number): boolean {
  return (mode & 0o077) !== 0 && hasModes();
}

/** The effective user of this process; 0 where the system has no such numbers. */
export function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

/** "mode 0664, owner 1000, group 100". */
export function rightsText({ uid, gid, mode }: Rights): string {
  return `mode ${(mode & 0o7777).toString(8).padStart(4, "0")}, owner ${uid}, group ${gid}`;
}

function othersWith(rights: Rights, world: number, group: number, accounts: AccountList): string | undefined {
  if (!hasModes()) return undefined;
  const { uid, gid, mode } = rights;
  if ((mode & world) !== 0) return "everybody";
  if ((mode & group) === 0) return undefined;
  const line = fieldsOf(accounts("/etc/group"), gid);
  const user = fieldsOf(accounts("/etc/passwd"), uid)?.[0];
  const name = line?.[0];
  const members = (line?.[3] ?? "").split(",").filter((member) => member !== "" && member !== user);
  const isOwners = gid === uid || (name !== undefined && name === user);
  if (isOwners && members.length === 0) return undefined;
  return `group ${gid}${name === undefined ? "" : ` (${name})`}`;
}

/** Fields of the line with this number, in a list of users or groups. */
function fieldsOf(list: string | undefined, id: number): readonly string[] | undefined {
  const lines = (list ?? "").split("\n").map((line) => line.split(":"));
  return lines.find((fields) => fields[2] === String(id));
}

function readAccounts(path: string): string | undefined {
  try {
    const found = readWholeFile(path, ACCOUNTS_MAX);
    return found.tag === "file" ? Buffer.from(found.bytes).toString("utf8") : undefined;
  } catch {
    return undefined;
  }
}

/** Windows has no such modes, and reports made-up ones. */
function hasModes(): boolean {
  return process.platform !== "win32";
}
