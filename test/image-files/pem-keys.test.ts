import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/logger.ts";
import { isTempName } from "../../src/files/temp-name.ts";
import { checkSignature } from "../../src/image/ed25519.ts";
import { formatKeyId, trustedKeyFromBytes, trustedKeyOf } from "../../src/image/keys.ts";
import {
  generateKeyPair,
  KEY_FILE_MAX,
  loadSigningKey,
  loadTrustedKey,
  loadTrustedKeys,
  publicKeyPem,
  signingKeyFromPem,
  trustedKeyFromPem,
  writeKeyPair,
} from "../../src/image-files/pem-keys.ts";
import { codeOf, errorOf, manifestVectors, scratchDir, unhex, vectorKey } from "../image/support.ts";

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

  it("are refused with the command that makes the missing public half", () => {
    const { keyPath, pubPath } = writeKeyPair(join(dir, "incomplete"));
    rmSync(pubPath);
    expect(() => writeKeyPair(join(dir, "incomplete"))).toThrow(
      `openssl pkey -in ${keyPath} -pubout -out ${pubPath}`,
    );
    expect(existsSync(pubPath)).toBe(false);
    const error = expect.objectContaining({ code: "key-exists", details: { path: keyPath } });
    expect(() => writeKeyPair(join(dir, "incomplete"))).toThrow(error);
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
    file("public-only.pub", "mine");
    expect(await codeOf(() => writeKeyPair(join(dir, "public-only")))).toBe("key-exists");
    expect(existsSync(join(dir, "public-only.key"))).toBe(false);
    expect(await codeOf(() => writeKeyPair(join(dir, "no-such-folder", "k")))).toBe("key-folder-missing");
    expect(readdirSync(dir).filter((name) => isTempName(name))).toEqual([]);
  });

  it("are at the returned paths, the public one readable for all", () => {
    const base = join(dir, "told");
    const paths = writeKeyPair(base);
    expect(paths).toEqual({ keyPath: `${base}.key`, pubPath: `${base}.pub` });
    expect(statSync(paths.pubPath).mode & 0o777).toBe(0o644);
  });

  it("leave no private half behind when the public one cannot be written", async () => {
    // A link to nowhere: it is not there yet, and cannot be made either.
    symlinkSync(join(dir, "nowhere"), join(dir, "linked.pub"));
    const error = await errorOf(() => writeKeyPair(join(dir, "linked")));
    expect(error).toMatchObject({
      code: "key-exists",
      exitCode: 2,
      details: { path: join(dir, "linked.pub") },
    });
    expect(existsSync(join(dir, "linked.key"))).toBe(false);
  });

  it("name the file that could not be written or read, and keep the cause", async () => {
    const plain = file("plain", "");
    const written = await errorOf(() => writeKeyPair(join(plain, "k")));
    expect(written).toMatchObject({ code: "key-not-written", exitCode: 1, cause: { code: "ENOTDIR" } });
    expect(written.details).toEqual({ path: join(plain, "k.key") });
    const read = await errorOf(() => loadTrustedKey(join(plain, "k.pub"), ["app"]));
    expect(read).toMatchObject({ code: "key-unreadable", exitCode: 1, cause: { code: "ENOTDIR" } });
    expect(read.details).toEqual({ path: join(plain, "k.pub") });
    const missing = await errorOf(() => loadSigningKey(join(dir, "nothing.key")));
    expect(missing).toMatchObject({ details: { path: join(dir, "nothing.key") }, cause: { code: "ENOENT" } });
    const folder = await errorOf(() => writeKeyPair(join(dir, "none", "k")));
    expect(folder).toMatchObject({ code: "key-folder-missing", exitCode: 2, cause: { code: "ENOENT" } });
  });

  it("are trusted for the given roles", () => {
    expect(trustedKeyOf(vectorKey, ["recovery"])).toEqual({
      keyId: vectorKey.keyId,
      publicKey: vectorKey.publicKey,
      roles: ["recovery"],
    });
  });

  it("are read up to the longest file, and not beyond", async () => {
    const { publicPem: pem, privatePem: secret } = generateKeyPair();
    const longest = file("longest.pub", pem + "\n".repeat(KEY_FILE_MAX - pem.length));
    expect(loadTrustedKey(longest, ["app"]).roles).toEqual(["app"]);
    const longer = file("longer.pub", pem + "\n".repeat(KEY_FILE_MAX + 1 - pem.length));
    expect(await codeOf(() => loadTrustedKey(longer, ["app"]))).toBe("key-not-pem");
    expect(() => loadSigningKey(file("spaced.key", `\n${secret}`))).not.toThrow();
  });

  it.runIf(hasOpenssl)("are byte for byte what openssl writes", () => {
    const { privatePem, publicPem } = generateKeyPair();
    const path = file("mine.key", privatePem);
    expect(execFileSync("openssl", ["pkey", "-in", path], { encoding: "utf8" })).toBe(privatePem);
    expect(execFileSync("openssl", ["pkey", "-in", path, "-pubout"], { encoding: "utf8" })).toBe(publicPem);
  });

  it("only give a warning when other users may read the private one", () => {
    const path = file("open.key", generateKeyPair().privatePem);
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (text: string) => warnings.push(text) };
    loadSigningKey(path, logger);
    expect(warnings).toEqual([]);
    for (const [i, mode] of [0o640, 0o604, 0o610, 0o601].entries()) {
      chmodSync(path, mode);
      loadSigningKey(path, logger);
      expect(warnings).toHaveLength(i + 1);
    }
    expect(warnings[0]).toContain("chmod 600");
  });

  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const locked = generateKeyPairSync("ed25519").privateKey.export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "secret",
  });
  const oldLocked = rsa.privateKey.export({
    type: "pkcs1",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "secret",
  });
  const x25519 = generateKeyPairSync("x25519");
  const { privatePem, publicPem } = generateKeyPair();
  const weak = Buffer.concat([unhex("302a300506032b6570032100", "01".padEnd(64, "0"))]).toString("base64");

  it.each([
    ["key-not-pem", "not a key at all"],
    ["key-not-pem", ""],
    ["key-not-pem", privatePem.replace("MC4C", "AAAA")],
    ["key-is-public", publicPem],
    ["key-is-public", publicPem.replaceAll("PUBLIC KEY", "CERTIFICATE")],
    ["key-is-public", publicPem.replaceAll("PUBLIC KEY", "RSA PUBLIC KEY")],
    ["key-not-ed25519", x25519.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    ["key-encrypted", oldLocked.toString()],
    ["key-encrypted", locked.toString()],
    ["key-not-ed25519", rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    ["key-not-ed25519", rsa.privateKey.export({ type: "pkcs1", format: "pem" }).toString()],
  ])("refuse as a private key: %s", async (code, text) => {
    expect(await codeOf(() => loadSigningKey(file("case.key", text)))).toBe(code);
  });

  it("say whether a file that holds no key is PEM at all", async () => {
    const detailsOf = async (text: string) =>
      (await errorOf(() => loadTrustedKey(file("case.pub", text), ["app"]))).details;
    expect(await detailsOf("not a key at all")).toEqual({ isPem: false });
    expect(await detailsOf(publicPem.slice(0, 60))).not.toEqual({ isPem: false });
  });

  it.each([
    ["key-not-pem", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@here"],
    ["key-not-pem", publicPem.slice(0, 60)],
    ["key-not-pem", " ".repeat(KEY_FILE_MAX + 1)],
    ["key-is-private", privatePem],
    ["key-is-private", locked.toString()],
    ["key-not-ed25519", x25519.publicKey.export({ type: "spki", format: "pem" }).toString()],
    ["key-not-ed25519", rsa.publicKey.export({ type: "spki", format: "pem" }).toString()],
    ["key-unsound", `-----BEGIN PUBLIC KEY-----\n${weak}\n-----END PUBLIC KEY-----\n`],
  ])("refuse as a public key: %s", async (code, text) => {
    expect(await codeOf(() => loadTrustedKey(file("case.pub", text), ["app"]))).toBe(code);
  });

  it("tell a missing file from a folder and a pipe", async () => {
    mkdirSync(join(dir, "folder"));
    expect(await codeOf(() => loadTrustedKey(join(dir, "nothing.pub"), ["app"]))).toBe("key-missing");
    expect(await codeOf(() => loadSigningKey(join(dir, "folder")))).toBe("key-not-file");
    // A pipe that nobody writes to must not hold us.
    execFileSync("mkfifo", [join(dir, "pipe.pub")]);
    expect(await codeOf(() => loadTrustedKey(join(dir, "pipe.pub"), ["app"]))).toBe("key-not-file");
  });

  it("name the type of a foreign key, and keep the cause of a damaged one", async () => {
    const pem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
    expect((await errorOf(() => trustedKeyFromPem(pem, ["app"]))).details).toEqual({ type: "rsa" });
    for (const [code, text] of [
      ["key-not-pem", privatePem.replace("MC4C", "AAAA")],
      ["key-encrypted", locked.toString()],
    ] as const) {
      expect(await errorOf(() => signingKeyFromPem(text))).toMatchObject({ code, cause: expect.any(Error) });
    }
  });

  it("are taken as raw bytes, but not of another length or of small order", async () => {
    const { publicKey, keyId } = vectorKey;
    expect(trustedKeyFromBytes(publicKey, ["app"])).toEqual({ publicKey, keyId, roles: ["app"] });
    const short = await errorOf(() => trustedKeyFromBytes(publicKey.subarray(1), ["app"]));
    expect(short).toMatchObject({ code: "key-length", exitCode: 2, details: { length: 31 } });
    const point = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
    expect(await codeOf(() => trustedKeyFromBytes(point, ["app"]))).toBe("key-unsound");
  });

  it("never put private bytes into an error text", () => {
    const broken = privatePem.replace("MC4C", "AAAA");
    const body = broken.split("\n")[1] ?? "";
    expect(body.length).toBeGreaterThan(20);
    expect(() => signingKeyFromPem(broken)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining(body) }),
    );
  });

  /** RFC 8410, section 10.3: version 2, with an attribute and the public half. */
  const versionTwo = [
    "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC",
    "oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB",
    "Z9w7lshQhqowtrbLDFw4rXAxZuE=",
  ];
  const versionOne = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
  const armoured = (body: string): string =>
    `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;

  it("are read from both versions of PKCS#8 alike", () => {
    const [one, two] = [
      signingKeyFromPem(armoured(versionOne)),
      signingKeyFromPem(armoured(versionTwo.join("\n"))),
    ];
    expect(two.publicKey).toEqual(one.publicKey);
    expect(two.publicKey).toEqual(unhex("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"));
    const message = Uint8Array.of(1, 2, 3);
    expect(two.sign(message)).toEqual(one.sign(message));
  });

  it("are refused when the public half in version 2 is another one", async () => {
    const der = Buffer.from(versionTwo.join(""), "base64");
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;
    expect(await codeOf(() => signingKeyFromPem(armoured(der.toString("base64"))))).toBe("key-not-pem");
  });

  it("are all read from a file of several public ones, each once, and one where one is meant", async () => {
    const other = generateKeyPair().publicPem;
    const both = file("both.pub", publicPem + other + publicPem);
    expect(loadTrustedKeys(both, ["app"]).map(({ publicKey }) => publicKeyPem(publicKey))).toEqual([
      publicPem,
      other,
    ]);
    expect(await errorOf(() => loadTrustedKey(both, ["app"]))).toMatchObject({
      code: "key-several",
      details: { count: 2 },
    });
    expect(loadTrustedKey(file("same.pub", publicPem + publicPem), ["app"]).roles).toEqual(["app"]);
  });

  it.each([
    ["key-is-private", (text: string) => text + privatePem],
    ["key-not-pem", (text: string) => text + text.slice(0, 40)],
    ["key-not-pem", (text: string) => text + text.replaceAll("PUBLIC KEY", "X509 CRL")],
    [
      "key-not-ed25519",
      (text: string) => text + rsa.publicKey.export({ type: "spki", format: "pem" }).toString(),
    ],
    ["key-not-pem", (text: string) => text.replaceAll("\n", "\\n")],
  ])("are refused as public ones with something else beside: %s", async (code, change) => {
    expect(await codeOf(() => loadTrustedKeys(file("mix.pub", change(publicPem)), ["app"]))).toBe(code);
  });

  it("are named when they are of a form that is not PEM, without their bytes", async () => {
    const der = Buffer.from(privatePem.split("\n")[1] ?? "", "base64");
    const seed = der.subarray(-32);
    for (const [content, form, code] of [
      [der, "der-private", "key-not-pem"],
      [seed.toString("hex"), "hex-key", "key-not-pem"],
      [seed.toString("base64"), "base64-key", "key-not-pem"],
      [der.toString("base64"), "base64-private", "key-not-pem"],
      ["PuTTY-User-Key-File-3: ssh-ed25519\n", "putty-private", "key-not-pem"],
      [publicPem.replaceAll("PUBLIC KEY", "CERTIFICATE"), "certificate", "key-is-public"],
    ] as const) {
      const path = join(dir, `form-${form}`);
      writeFileSync(path, content, { mode: 0o600 });
      const error = await errorOf(() => loadSigningKey(path));
      expect(error).toMatchObject({ code, exitCode: 2, details: { form } });
      for (const secret of [seed.toString("hex"), seed.toString("base64")])
        expect(error.message).not.toContain(secret);
    }
  });
});
