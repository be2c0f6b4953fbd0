import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/logger.ts";
import { checkSignature } from "../../src/image/ed25519.ts";
import {
  formatKeyId,
  generateKeyPair,
  KEY_FILE_MAX,
  loadSigningKey,
  loadTrustedKey,
  signingKeyFromPem,
  trustedKeyFromPem,
  writeKeyPair,
} from "../../src/image/keys.ts";
import { codeOf, manifestVectors, scratchDir, unhex, vectorKey } from "./support.ts";

const dir = scratchDir();
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text, { mode: 0o600 });
  return join(dir, name);
};
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe("keys", () => {
  it("have the frozen key id and public half", () => {
    expect(vectorKey.publicKey).toEqual(unhex(manifestVectors.publicKey));
    expect(formatKeyId(vectorKey.keyId)).toBe(manifestVectors.keyId);
    const trusted = trustedKeyFromPem(manifestVectors.publicPem, ["app"]);
    expect(trusted).toEqual({ keyId: vectorKey.keyId, publicKey: vectorKey.publicKey, roles: ["app"] });
  });

  it("are never readable by others, whatever the umask", () => {
    const before = process.umask(0);
    try {
      const { keyPath, pubPath } = writeKeyPair(join(dir, "open"));
      expect(statSync(keyPath).mode & 0o777).toBe(0o600);
      expect(statSync(pubPath).mode & 0o777).toBe(0o644);
    } finally {
      process.umask(before);
    }
  });

  it("are told how to be completed when the public half is missing", () => {
    const { keyPath, pubPath } = writeKeyPair(join(dir, "half"));
    rmSync(pubPath);
    expect(() => writeKeyPair(join(dir, "half"))).toThrow(
      `openssl pkey -in ${keyPath} -pubout -out ${pubPath}`,
    );
    expect(existsSync(pubPath)).toBe(false);
  });

  it("are written for the owner only, and load again", () => {
    const { keyPath, pubPath } = writeKeyPair(join(dir, "fresh"));
    expect(statSync(keyPath).mode & 0o777).toBe(0o600);
    const signing = loadSigningKey(keyPath);
    const trusted = loadTrustedKey(pubPath, ["app", "recovery"]);
    expect(trusted.keyId).toEqual(signing.keyId);
    const message = Uint8Array.of(1, 2, 3);
    expect(checkSignature(trusted.publicKey, message, signing.sign(message))).toBeUndefined();
  });

  it("are never overwritten, and half a pair is not left behind", async () => {
    const key = file("taken.key", "mine");
    expect(await codeOf(() => writeKeyPair(join(dir, "taken")))).toBe("key-exists");
    expect(readFileSync(key, "utf8")).toBe("mine");
    file("half.pub", "mine");
    expect(await codeOf(() => writeKeyPair(join(dir, "half")))).toBe("key-exists");
    expect(existsSync(join(dir, "half.key"))).toBe(false);
    expect(await codeOf(() => writeKeyPair(join(dir, "no-such-folder", "k")))).toBe("key-folder-missing");
  });

  it.runIf(hasOpenssl)("are octet for octet what openssl writes", () => {
    const { privatePem, publicPem } = generateKeyPair();
    const path = file("mine.key", privatePem);
    expect(execFileSync("openssl", ["pkey", "-in", path], { encoding: "utf8" })).toBe(privatePem);
    expect(execFileSync("openssl", ["pkey", "-in", path, "-pubout"], { encoding: "utf8" })).toBe(publicPem);
  });

  it("warn, and only warn, when others may read the private one", () => {
    const path = file("open.key", generateKeyPair().privatePem);
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => warnings.push(text) };
    loadSigningKey(path, logger);
    expect(warnings).toEqual([]);
    chmodSync(path, 0o644);
    loadSigningKey(path, logger);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("chmod 600");
  });

  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const locked = generateKeyPairSync("ed25519").privateKey.export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "secret",
  });
  const { privatePem, publicPem } = generateKeyPair();
  const weak = Buffer.concat([unhex("302a300506032b6570032100", "01".padEnd(64, "0"))]).toString("base64");

  it.each([
    ["key-not-pem", "not a key at all"],
    ["key-not-pem", ""],
    ["key-not-pem", privatePem.replace("MC4C", "AAAA")],
    ["key-is-public", publicPem],
    ["key-encrypted", locked.toString()],
    ["key-not-ed25519", rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    ["key-not-ed25519", rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString()],
  ])("refuse as a private key: %s", async (code, text) => {
    expect(await codeOf(() => loadSigningKey(file("case.key", text)))).toBe(code);
  });

  it.each([
    ["key-not-pem", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@here"],
    ["key-not-pem", publicPem.slice(0, 60)],
    ["key-not-pem", " ".repeat(KEY_FILE_MAX + 1)],
    ["key-is-private", privatePem],
    ["key-not-ed25519", rsa.publicKey.export({ type: "spki", format: "pem" }).toString()],
    ["key-unsound", `-----BEGIN PUBLIC KEY-----\n${weak}\n-----END PUBLIC KEY-----\n`],
  ])("refuse as a public key: %s", async (code, text) => {
    expect(await codeOf(() => loadTrustedKey(file("case.pub", text), ["app"]))).toBe(code);
  });

  it("tell a missing file from a folder", async () => {
    mkdirSync(join(dir, "folder"));
    expect(await codeOf(() => loadTrustedKey(join(dir, "nothing.pub"), ["app"]))).toBe("key-missing");
    expect(await codeOf(() => loadSigningKey(join(dir, "folder")))).toBe("key-not-file");
  });

  it("never put private octets into an error text", () => {
    const broken = privatePem.replace("MC4C", "AAAA");
    const body = broken.split("\n")[1] ?? "";
    expect(body.length).toBeGreaterThan(20);
    expect(() => signingKeyFromPem(broken)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(body) }),
    );
  });
});
