/**
 * Names that file systems and file managers put into a folder by themselves: after mkfs and fsck, on macOS, Windows, KDE, NFS. A
 * folder that holds nothing else is as good as empty.
 */
const SYSTEM_NAMES =
  /^(?:lost\+found|\.DS_Store|\._.*|\.Trash(?:es|-\d+)?|\.Spotlight-V100|\.fseventsd|\.TemporaryItems|Thumbs\.db|desktop\.ini|System Volume Information|\$RECYCLE\.BIN|\.directory|\.nfs[0-9a-f]+|\.snapshot)$/i;

/** Whether a name in a folder was put there by the system, and not by a person or this program. */
export function isSystemName(name: string): boolean {
  return SYSTEM_NAMES.test(name);
}
