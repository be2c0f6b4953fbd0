import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliResult, runCli, verdictOf } from "../support/cli.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let pems: {
  readonly key: string;
  readonly pub: string;
  readonly otherPub: string;
  readonly otherKey: string;
};
beforeAll(async () => {
  bench = await openWorkbench();
  const text = (name: string): string => readFileSync(bench.path(name), "utf8");
  pems = {
    key: text("owner.key"),
    pub: text("owner.pub"),
    otherPub: text("other.pub"),
    otherKey: text("other.key"),
  };
  for (const [name, phrase] of [
    ["ssh_plain", ""],
    ["ssh_pw", "pw"],
  ] as const) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", phrase, "-C", "x", "-f", bench.path(name)]);
  }
});
afterAll(() => bench.close());

function put(name: string, content: string | Uint8Array): string {
  writeFileSync(bench.path(name), content, { mode: 0o600 });
  return bench.path(name);
}

function sign(key: string): Promise<CliResult> {
  const args = [
    "image",
    "build",
    "--in",
    bench.path("firmware.bin"),
    "--hardware",
    "acme/widget",
    "--version",
    "2.0.0",
  ];
  return runCli([...args, "--out", bench.path("signed.mdy"), "--key", key, "--json"]);
}

function init(name: string, ...trust: string[]): Promise<CliResult> {
  const args = [
    "board",
    "init",
    bench.path(name),
    "--hardware",
    "acme/widget",
    "--flash-size",
    "64K",
    "--json",
  ];
  return runCli([...args, ...trust.flatMap((file) => ["--trust", file])]);
}

const messageOf = (result: CliResult): string => String(verdictOf(result)?.["message"]);

describe("a signing key", () => {
  test.each([
    ["a byte order mark", () => `\xef\xbb\xbf${pems.key}`],
    ["CR LF", () => pems.key.replaceAll("\n", "\r\n")],
    ["joined lines", () => pems.key.replaceAll("\n", "")],
    ["text before it", () => `Bag Attributes\n    localKeyID: 01\n${pems.key}`],
    ["its public half behind it", () => pems.key + pems.pub],
    ["its public half before it", () => pems.pub + pems.key],
    ["nothing around it, as before", () => pems.key],
  ])("is read with %s", async (name, content) => {
    const result = await sign(put(`${name}.key`, Buffer.from(content(), "latin1")));
    expect(verdictOf(result)).toMatchObject({ code: 0 });
    const trusted = await runCli([
      "image",
      "verify",
      bench.path("signed.mdy"),
      "--trust",
      bench.path("owner.pub"),
    ]);
    expect(trusted.code).toBe(0);
  });

  test("is read from UTF-16, as a shell redirects it", async () => {
    expect((await sign(put("wide.key", Buffer.from(`\ufeff${pems.key}`, "utf16le")))).code).toBe(0);
  });

  test.each([
    ["ssh_plain", "key-not-pem", /an OpenSSH private key; .*python3 .*mayday keygen/],
    ["ssh_pw", "key-encrypted", /an OpenSSH private key behind a passphrase; .*ssh-keygen -p/],
    ["ssh_plain.pub", "key-is-public", /an OpenSSH public key/],
    ["fw.mdy", "key-not-pem", /at most 16384/],
  ])("is not %s, which is named with the way to PEM", async (name, reason, words) => {
    const result = await sign(bench.path(name));
    expect(verdictOf(result)).toMatchObject({ code: 2, reason });
    expect(messageOf(result)).toMatch(words);
  });

  test("is one key: a second one, or a public half of another, is refused", async () => {
    for (const [name, text] of [
      ["two.key", pems.key + pems.otherKey],
      ["mixed.key", pems.key + pems.otherPub],
    ] as const) {
      expect(verdictOf(await sign(put(name, text)))).toMatchObject({ code: 2, reason: "key-several" });
    }
    expect((await sign(put("same.key", pems.key + pems.key))).code).toBe(0);
    const cut = put("cut.key", pems.key + pems.otherKey.slice(0, 60));
    expect(verdictOf(await sign(cut))).toMatchObject({ code: 2, reason: "key-not-pem" });
  });

  test("made from an OpenSSH one by the command in the message signs", async () => {
    const [, command = ""] =
      /the way to PEM: (python3 .*) > OUT/.exec(messageOf(await sign(bench.path("ssh_plain")))) ?? [];
    const pem = execFileSync("bash", ["-c", command.replace("'IN'", `'${bench.path("ssh_plain")}'`)]);
    expect((await sign(put("made.key", pem))).code).toBe(0);
  });

  test("has a name when keygen makes it", async () => {
    for (const name of ["", `${bench.dir}/`]) {
      const result = await runCli(["keygen", "--out", name, "--json"], { cwd: bench.dir });
      expect(verdictOf(result)).toMatchObject({ code: 2, reason: "key-name" });
    }
    expect(readdirSync(bench.dir)).not.toContain(".key");
  });
});

describe("a file of trusted keys", () => {
  test("means all of its keys, to image verify and to board init", async () => {
    const both = put("both.pub", pems.otherPub + pems.pub);
    const theirs = await bench.image("theirs", "other");
    for (const file of [bench.path("fw.mdy"), theirs]) {
      expect((await runCli(["image", "verify", file, "--trust", both])).code).toBe(0);
    }
    const third = await bench.image("third", "other");
    expect((await runCli(["image", "verify", third, "--trust", bench.path("owner.pub")])).code).toBe(4);
    expect((await init("trusting", both)).code).toBe(0);
    const keys = await runCli(["board", "trust", bench.path("trusting"), "--json"]);
    expect(keys.events.filter(({ event }) => event === "key")).toHaveLength(2);
    for (const file of [bench.path("fw.mdy"), theirs]) {
      const installed = await runCli([
        "board",
        "install",
        bench.path("trusting"),
        file,
        "--json",
        "--allow-single-update",
      ]);
      expect(verdictOf(installed)?.["reason"]).not.toBe("signature");
    }
  });

  test("is refused where one key is meant, and where one of its blocks is not a public key", async () => {
    const both = put("pair.pub", pems.otherPub + pems.pub);
    expect((await init("single", bench.path("owner.pub"))).code).toBe(0);
    const change = (flag: string, file: string): Promise<CliResult> =>
      runCli(["board", "trust", bench.path("single"), flag, file, "--json"]);
    expect(verdictOf(await change("--key", both))).toMatchObject({ code: 2, reason: "key-several" });
    expect(verdictOf(await change("--remove", both))).toMatchObject({ code: 2, reason: "key-several" });
    expect((await change("--key", put("twice.pub", pems.otherPub + pems.otherPub))).code).toBe(0);
    const leak = put("leak.pub", pems.pub + pems.key);
    expect(verdictOf(await init("leaking", leak))).toMatchObject({ code: 2, reason: "key-is-private" });
    const cut = put("cut.pub", pems.pub + pems.otherPub.slice(0, 50));
    expect(verdictOf(await init("leaking", cut))).toMatchObject({ code: 2, reason: "key-not-pem" });
    expect(existsSync(bench.path("leaking"))).toBe(false);
  });

  test("leaves nothing in a board but its keys", async () => {
    const noisy = put(
      "noisy.pub",
      Buffer.from(`\xef\xbb\xbfpassword: secret\n${pems.pub.replaceAll("\n", "\r\n")}\n# later`, "latin1"),
    );
    expect((await init("clean", noisy)).code).toBe(0);
    expect(readFileSync(join(bench.path("clean"), "keys", "trust-1.pub"), "utf8")).toBe(pems.pub);
    const added = put("added.pub", `token: secret\n${pems.otherPub}`);
    expect((await runCli(["board", "trust", bench.path("clean"), "--key", added])).code).toBe(0);
    expect(readFileSync(join(bench.path("clean"), "keys", "trust-2.pub"), "utf8")).toBe(pems.otherPub);
  });

  test("of another form is named, with the way to PEM that works", async () => {
    const result = await init("ssh", bench.path("ssh_plain.pub"));
    expect(verdictOf(result)).toMatchObject({ code: 2, reason: "key-not-pem" });
    expect(messageOf(result)).toContain("an OpenSSH public key");
    const [, command = ""] = /(\{ printf .*-pubout) -out OUT/.exec(messageOf(result)) ?? [];
    const pem = execFileSync("bash", ["-c", command.replace(" IN ", ` ${bench.path("ssh_plain.pub")} `)]);
    expect((await init("ssh", put("ssh.pub", pem))).code).toBe(0);
  });
});
