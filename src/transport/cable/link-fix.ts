/** What the helper says of a link that it cannot make, by the end of its sentence, and what to do. */
const FIXES: readonly (readonly [end: string, fix: string])[] = [
  ["File exists", "it is not a link that a cable left behind; remove it, or give another path"],
  ["No such file or directory", "make its folder, or give another path"],
  ["Not a directory", "give a path in a folder"],
  ["Permission denied", "give a path in a folder that you may write to"],
  ["Read-only file system", "give a path in a folder that you may write to"],
];

/** The helper's sentence, with what to do where it could not make one of its links. */
export function withLinkFix(sentence: string): string {
  if (!sentence.startsWith("cannot make the link ")) return sentence;
  const fix = FIXES.find(([end]) => sentence.endsWith(`: ${end}`))?.[1];
  return fix === undefined ? sentence : `${sentence}: ${fix}`;
}
