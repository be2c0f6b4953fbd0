/** The operating system's name of an error ("ENOENT"), or "unknown error". */
export function errnoOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return "unknown error";
}
