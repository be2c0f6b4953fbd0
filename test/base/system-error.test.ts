import { openSync } from "node:fs";
import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { FailedError } from "../../src/base/errors.ts";
import { errorWords, isSystemError, systemError, systemText } from "../../src/base/system-error.ts";

/** An error as Node makes them. */
function nodeError(code: string, syscall = "open"): Error {
  const words = "required key not available";
  return Object.assign(new Error(`${code}: ${words}, ${syscall} '/a,b'`), { code, syscall, path: "/a,b" });
}

const NAMES = Object.keys(constants.errno);
/** What calls with a path give, by Linux's manual pages of open, stat, rename, write, fsync and mount. */
const OF_PATHS =
  "EACCES EAGAIN EBUSY EDQUOT EEXIST EFBIG EINVAL EIO EISDIR ELOOP EMFILE EMLINK ENAMETOOLONG ENFILE ENODEV ENOENT ENOLCK ENOMEM ENOSPC ENOSYS ENOTCONN ENOTDIR ENOTEMPTY ENOTSUP EOPNOTSUPP ENXIO EPERM EROFS ESTALE ETIMEDOUT ETXTBSY EXDEV".split(
    " ",
  );

describe("an error of the operating system", () => {
  it.each(NAMES)("is a sentence without the system's code, and says what to do: %s", (code) => {
    const text = systemText(nodeError(code));
    expect(text).toMatch(/^[a-z].{8,}; [a-z].{5,}$/);
    expect(text).not.toMatch(/\bE[A-Z0-9]{3,}\b|errno|\/a,b/);
  });

  it.each(OF_PATHS)("has words of its own when a path can bring it: %s", (code) => {
    expect(systemText(nodeError(code))).not.toContain("the system says");
  });

  it("keeps the system's own words when it has no others", () => {
    expect(systemText(nodeError("ENOKEY"))).toContain("the system says: required key not available; ");
  });

  it("says that the current folder was removed, whatever its code", () => {
    expect(systemText(nodeError("ENOENT", "uv_cwd"))).toContain("the current folder was removed");
  });

  it("becomes a failure with the code, the details and the cause that were given", () => {
    const cause = nodeError("ENOSPC", "write");
    const error = systemError("some-code", "x cannot be written", cause, { path: "x" });
    expect(error).toMatchObject({ code: "some-code", exitCode: 1, details: { path: "x" }, cause });
    expect(error.message).toMatch(/^x cannot be written: no room is left on the file system; /);
  });

  it("is told from an error of ours, and from a defect", () => {
    expect(isSystemError(nodeError("EWHATEVER"))).toBe(true);
    expect(isSystemError(new TypeError("oops"))).toBe(false);
    expect(errorWords(new FailedError("code", "ours"))).toBe("ours");
    expect(errorWords(new TypeError("oops"))).toBe("oops");
    expect(errorWords(nodeError("EACCES"))).toContain("permission is denied");
    expect(errorWords("text")).toBe("text");
  });

  it("is what a real call gives", () => {
    try {
      openSync("/proc/none/at/all", "r");
      expect.unreachable();
    } catch (error) {
      expect(systemText(error)).toBe("it does not exist; check the path");
    }
  });
});
