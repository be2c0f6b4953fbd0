import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/base/bytes.ts";
import { scratchDir, vectorKey } from "../image/support.ts";

const TOOL = fileURLToPath(new URL("../../scripts/wycheproof.mjs", import.meta.url));
const folder = scratchDir();
const message = new TextEncoder().encode("judged");
const signature = toHex(vectorKey.sign(message));
const honestKey = toHex(vectorKey.publicKey);
/** (0, 1): RFC 8032 decodes it. */
const identity = `01${"00".repeat(31)}`;

/** Runs the tool on one vector of Wycheproof's form, or on any text. */
function judge(vector: { flag?: string; result?: string; pk?: string; sig?: string } | string) {
  const file = join(folder, "vectors.json");
  const {
    flag = "Valid",
    result = "valid",
    pk = honestKey,
    sig = signature,
  } = typeof vector === "string" ? {} : vector;
  const test = { tcId: 1, comment: "", flags: [flag], msg: toHex(message), sig, result };
  const group = { publicKey: { curve: "edwards25519", pk }, tests: [test] };
  const text = JSON.stringify({ algorithm: "EDDSA", testGroups: [group] });
  writeFileSync(file, typeof vector === "string" ? vector : text);
  const { status, stdout } = spawnSync(process.execPath, [TOOL, file], { encoding: "utf8" });
  return { status, stdout };
}

describe("the run of Wycheproof's vectors", () => {
  it("passes when a valid vector holds and an invalid one is refused for its cause", () => {
    expect(judge({}).status).toBe(0);
    expect(judge({ flag: "TruncatedSignature", result: "invalid", sig: signature.slice(2) }).status).toBe(0);
  });

  it("explains that a key or R of small order is refused more strictly", () => {
    const key = judge({ pk: identity });
    expect(key).toMatchObject({ status: 0, stdout: expect.stringContaining("1 differences, 0 of them") });
    expect(judge({ sig: identity + signature.slice(64) }).status).toBe(0);
  });

  it("fails when nothing explains a refusal", () => {
    expect(judge({ sig: `${signature.slice(0, -2)}00` }).status).toBe(1);
    // A key in another encoding is invalid by RFC 8032 too: a file that says "valid" needs a look.
    expect(judge({ pk: `ee${"ff".repeat(30)}7f` }).status).toBe(1);
  });

  it("fails when an invalid vector holds, or is refused for another cause than its class has", () => {
    expect(judge({ flag: "InvalidEncoding", result: "invalid" }).status).toBe(1);
    const short = { result: "invalid", sig: signature.slice(2) };
    expect(judge({ flag: "SignatureMalleability", ...short }).status).toBe(1);
    expect(judge({ flag: "of another year", ...short }).status).toBe(1);
  });

  it("fails without any vector, and takes no file of another kind", () => {
    expect(judge('{"algorithm":"EDDSA","testGroups":[]}').status).toBe(1);
    expect(judge('{"algorithm":"ECDSA","testGroups":[]}').status).toBe(2);
    expect(judge("no JSON").status).toBe(2);
    expect(spawnSync(process.execPath, [TOOL]).status).toBe(2);
  });
});
