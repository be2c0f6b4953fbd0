import { describe, expect, it } from "vitest";
import { tlsWords, unreachableWords } from "../../src/base/network-error.ts";

/** An error as OpenSSL makes it. */
function ssl(reason: string): Error {
  const text = `808C8CADD57F0000:error:0A00045C:SSL routines:ssl3_read_bytes:${reason}:../deps/openssl/record.c:1601:SSL alert number 116\n`;
  return Object.assign(new Error(text), { code: "ERR_SSL_X" });
}

describe("why there is no secure connection", () => {
  it.each([
    [
      "tlsv13 alert certificate required",
      /^the server does not take this client's certificate, or wants one \(tlsv13/,
    ],
    ["sslv3 alert handshake failure", /wants one/],
    ["wrong version number", /^no secure connection: TLS is not spoken there \(wrong version number\)$/],
    ["no shared cipher", /^no secure connection: no shared cipher$/],
  ])("is said of %s in one line, without places in OpenSSL", (reason, words) => {
    const text = tlsWords(ssl(reason)) ?? "";
    expect(text.replace(/^no secure connection: (?=the server)/, "")).toMatch(words);
    expect(text).not.toMatch(/\n|0A00045C|deps/);
  });

  it("is nothing for an error of another kind", () => {
    expect(tlsWords(Object.assign(new Error("x"), { code: "ECONNREFUSED" }))).toBeUndefined();
    expect(unreachableWords(ssl("x"))).toBeUndefined();
  });
});

describe("why nothing is reached", () => {
  it.each(["ECONNREFUSED", "ENOTFOUND", "ECONNRESET", "EPIPE", "ETIMEDOUT"])("has words for %s", (code) => {
    const words = unreachableWords(Object.assign(new Error(`connect ${code}`), { code }));
    expect(words).toMatch(/^[a-z]/);
    expect(words).not.toContain(code);
  });
});
