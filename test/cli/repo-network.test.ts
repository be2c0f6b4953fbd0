import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { randomBytes, SeededRandom } from "../../src/base/prng.ts";
import { openServer, serve, type TestServer } from "../network/hostile-server.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { type CliEvent, type CliResult, runCli, startCli, verdictOf } from "../support/cli.ts";
import { openNginx } from "../support/nginx.ts";
import { freePort, openWorkbench, type Workbench } from "./workbench.ts";

let bench: Workbench;
let server: TestServer;
let certificates: Certificates;
const at = (name: string): string => bench.path(name);
const LARGE_SIZE = 3_000_000;

beforeAll(async () => {
  bench = await openWorkbench();
  server = await openServer();
  certificates = makeCertificates(bench.dir);
  await writeFile(at("large.bin"), randomBytes(new SeededRandom(3), LARGE_SIZE));
  await bench.image("v10", "owner", { version: { major: 1, minor: 0, patch: 0 } });
  await bench.image("v11", "owner", { version: { major: 1, minor: 1, patch: 0 } });
  await bench.image("large", "owner", { version: { major: 2, minor: 0, patch: 0 } }, at("large.bin"));
  await bench.image("bare", undefined, { version: { major: 3, minor: 0, patch: 0 } });
});
afterAll(async () => {
  await server.close();
  await bench.close();
});

async function repo(name: string, ...images: readonly string[]): Promise<string> {
  for (const image of images)
    expect((await runCli(["repo", "add", at(`${image}.mdy`), "--repo", at(name)])).code).toBe(0);
  return at(name);
}

async function publish(from: string, out: string, ...flags: readonly string[]): Promise<CliResult> {
  return await runCli(["repo", "publish", "--repo", from, "--out", out, "--json", ...flags]);
}

const KEY = (): readonly string[] => ["--key", at("owner.key")];
const LOCAL = ["--allow-address", "127.0.0.1"];

function pullArgs(into: string, from: string, ...flags: readonly string[]): string[] {
  return [
    "repo",
    "pull",
    "--repo",
    at(into),
    "--from",
    from,
    "--trust",
    at("owner.pub"),
    ...LOCAL,
    "--json",
    ...flags,
  ];
}

const kinds = ({ events }: CliResult): string[] => events.map(({ event }) => event);
const indexOf = ({ events }: CliResult): CliEvent | undefined =>
  events.find(({ event }) => event === "index");
/** Gives out a folder. */
function giveOut(www: string): void {
  server.answer = (path, request, response) => {
    void readFile(join(www, path)).then(
      (bytes) => serve(new Uint8Array(bytes), request, response),
      () => serve(undefined, request, response),
    );
  };
}

describe("mayday repo publish", () => {
  it("warns of a damaged image, and removes nothing for --prune while there is one", async () => {
    const from = await repo("damaged", "v10", "v11");
    expect((await publish(from, at("damaged-www"), ...KEY())).code).toBe(0);
    const published = await readdir(at("damaged-www/sha256"));
    const [name = ""] = (await readdir(from)).filter((file) => file.endsWith(".mdy"));
    await writeFile(join(from, name), (await readFile(join(from, name))).subarray(0, 100));
    const result = await publish(from, at("damaged-www"), ...KEY());
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/warning: .*it was cut off/);
    const pruned = await publish(from, at("damaged-www"), ...KEY(), "--prune");
    expect(verdictOf(pruned)).toMatchObject({ code: 1, reason: "repo-damaged" });
    expect(pruned.stderr).toContain(`${name} cannot be read`);
    expect(await readdir(at("damaged-www/sha256"))).toEqual(published);
  });

  it("copies what is new, and exchanges the index only when something changed", async () => {
    const from = await repo("p1", "v10");
    const first = await publish(from, at("w1"), ...KEY());
    expect(kinds(first)).toEqual(["published", "index", "verdict"]);
    expect(indexOf(first)).toMatchObject({ counter: 1, images: 1, isNew: true });
    const before = await stat(join(at("w1"), "index.json"), { bigint: true });
    const same = await publish(from, at("w1"), ...KEY());
    expect(kinds(same)).toEqual(["index", "verdict"]);
    expect(indexOf(same)).toMatchObject({ counter: 1, isNew: false });
    expect((await stat(join(at("w1"), "index.json"), { bigint: true })).mtimeNs).toBe(before.mtimeNs);
    await repo("p1", "v11");
    const more = await publish(from, at("w1"), ...KEY());
    expect(kinds(more)).toEqual(["published", "index", "verdict"]);
    expect(indexOf(more)).toMatchObject({ counter: 2, images: 2, isNew: true });
  });

  it("keeps what the repository lost, and removes it with --prune, after the index", async () => {
    const from = await repo("p2", "v10", "v11");
    await publish(from, at("w2"), ...KEY());
    const [gone = ""] = (await readdir(from)).filter((name) => name.endsWith(".mdy"));
    await rm(join(from, gone));
    expect(kinds(await publish(from, at("w2"), ...KEY()))).toEqual(["kept", "index", "verdict"]);
    expect(await readdir(join(at("w2"), "sha256"))).toHaveLength(2);
    await writeFile(join(at("w2"), "sha256", "notes.txt"), "mine");
    const pruned = await publish(from, at("w2"), ...KEY(), "--prune");
    expect(kinds(pruned)).toEqual(["pruned", "index", "verdict"]);
    expect(indexOf(pruned)).toMatchObject({ counter: 2, images: 1 });
    expect(await readdir(join(at("w2"), "sha256"))).toHaveLength(2);
    expect(await readdir(join(at("w2"), "sha256"))).toContain("notes.txt");
    expect(await readFile(join(at("w2"), "index.json"), "utf8")).toContain('"counter":2,"pruned":2');
  });

  it("gives everybody the right to read, whatever the umask, and publishes nothing else", async () => {
    const from = await repo("p3", "v10");
    await writeFile(join(from, "owner.key"), "secret");
    const before = process.umask(0o077);
    try {
      await publish(from, at("w3"), ...KEY());
    } finally {
      process.umask(before);
    }
    const names = [
      "",
      "index.json",
      "sha256",
      ...(await readdir(join(at("w3"), "sha256"))).map((name) => `sha256/${name}`),
    ];
    const modes = await Promise.all(
      names.map(async (name) => ((await stat(join(at("w3"), name))).mode & 0o777).toString(8)),
    );
    expect(modes).toEqual(["755", "644", "755", "644"]);
    expect(await readdir(at("w3"))).toEqual(["index.json", "sha256"]);
  });

  it("leaves out what is not signed, and says so", async () => {
    const from = await repo("p4", "v10", "bare");
    const run = await publish(from, at("w4"), ...KEY());
    expect(kinds(run)).toEqual(
      ["warning", "unsigned", "published", "index", "verdict"].filter((kind) => kind !== "warning"),
    );
    expect(run.stderr).toContain("not signed (--allow-unsigned)");
    expect(indexOf(await publish(from, at("w4"), ...KEY(), "--allow-unsigned"))).toMatchObject({ images: 2 });
  });

  it("refuses to drop the signature, and a lost counter, and names the way out", async () => {
    const from = await repo("p5", "v10");
    await publish(from, at("w5"), ...KEY());
    const bare = await publish(from, at("w5"));
    expect(verdictOf(bare)).toMatchObject({ code: 2, reason: "index-was-signed" });
    await writeFile(join(at("w5"), "index.json"), "{}");
    const lost = await publish(from, at("w5"), ...KEY());
    expect(verdictOf(lost)).toMatchObject({ code: 1, reason: "index-damaged" });
    expect(lost.stderr).toContain("--counter");
    expect(indexOf(await publish(from, at("w5"), ...KEY(), "--counter", "40"))).toMatchObject({
      counter: 40,
    });
  });

  it("writes nothing when an image of the repository is damaged", async () => {
    const from = await repo("p6", "v10");
    const [name = ""] = (await readdir(from)).filter((file) => file.endsWith(".mdy"));
    const bytes = await readFile(join(from, name));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(join(from, name), bytes);
    expect(verdictOf(await publish(from, at("w6"), ...KEY()))).toMatchObject({
      code: 1,
      reason: "image-corrupt",
    });
    expect(await readdir(at("w6"))).toEqual(["sha256"]);
    expect(await readdir(join(at("w6"), "sha256"))).toEqual([]);
  });
});

describe("mayday repo pull", () => {
  it("tells what it did in events and one verdict, and in words", async () => {
    await publish(await repo("p7", "v10", "v11"), at("w7"), ...KEY());
    giveOut(at("w7"));
    const run = await runCli(pullArgs("r7", server.url));
    expect(run.code).toBe(0);
    expect(kinds(run).filter((kind) => kind !== "pulling")).toEqual(["index", "pulled", "pulled", "verdict"]);
    expect(verdictOf(run)).toMatchObject({ ok: true, code: 0 });
    const again = await runCli(pullArgs("r7", server.url).filter((flag) => flag !== "--json"));
    expect(again).toMatchObject({ code: 0, stdout: "" });
    expect(again.stderr).toMatch(
      /index of counter 1: 2 images, signed by [0-9a-f]{16}, unchanged\nnothing new\n/,
    );
    expect((await runCli(["repo", "verify", "--repo", at("r7")])).stderr).toBe("");
  });

  it.each<[string, number, string, () => string[]]>([
    [
      "no key",
      2,
      "trust-missing",
      () => pullArgs("rx", server.url).filter((flag) => flag !== "--trust" && !flag.endsWith(".pub")),
    ],
    ["both kinds of trust", 2, "trust-missing", () => pullArgs("rx", server.url, "--allow-unsigned")],
    ["a URL of another kind", 2, "bad-url", () => pullArgs("rx", "ftp://images/")],
    ["a password in the URL", 2, "bad-url", () => pullArgs("rx", "https://me:pw@images/")],
    ["a budget that is too small", 2, "budget-small", () => pullArgs("rx", server.url, "--budget", "1K")],
    [
      "a range of no addresses",
      2,
      "bad-address-range",
      () => pullArgs("rx", server.url, "--allow-address", "x"),
    ],
    [
      "a certificate without key",
      2,
      "tls-pair",
      () => pullArgs("rx", server.url, "--cert", certificates.client),
    ],
    [
      "a key of another certificate",
      2,
      "tls-pair",
      () => pullArgs("rx", server.url, "--cert", certificates.client, "--cert-key", certificates.strangerKey),
    ],
    ["a CA that is none", 2, "tls-not-pem", () => pullArgs("rx", server.url, "--ca", at("fw.mdy"))],
    ["a CA that is not there", 2, "tls-missing", () => pullArgs("rx", server.url, "--ca", at("none.pem"))],
    [
      "an address of this machine",
      1,
      "net-address",
      () => pullArgs("rx", server.url).filter((flag) => !LOCAL.includes(flag)),
    ],
    ["a port without a server", 3, "net-unreachable", () => pullArgs("rx", "http://127.0.0.1:1/")],
    ["a server without an index", 1, "net-status", () => pullArgs("rx", `${server.url}none/`)],
    [
      "images of another key",
      4,
      "index-signature",
      () =>
        pullArgs("rx", server.url, "--trust", at("other.pub"))
          .filter((flag) => flag !== at("owner.pub"))
          .filter((flag, i, all) => !(flag === "--trust" && all[i + 1] === "--allow-address")),
    ],
  ])("with %s ends with code %d", async (_what, code, reason, args) => {
    giveOut(at("w7"));
    const run = await runCli(args());
    expect(verdictOf(run)).toMatchObject({ ok: false, code, reason });
    expect(run.code).toBe(code);
    expect(run.stderr).not.toMatch(/^ {4}at /m);
    expect(
      await readdir(at("rx")).then(
        (names) => names.filter((name) => name.endsWith(".mdy")),
        () => [],
      ),
    ).toEqual([]);
  });

  it("that is killed in mid-image is continued, and what it received is counted", async () => {
    await publish(await repo("p8", "large"), at("w8"), ...KEY());
    giveOut(at("w8"));
    const fast = server.answer;
    let sent = 0;
    server.answer = (path, request, response) => {
      if (!path.startsWith("sha256") || request.headers.range?.startsWith("bytes=0-") === true) {
        fast(path, request, response);
        return;
      }
      void readFile(join(at("w8"), path)).then((bytes) => {
        const [, from = ""] = /^bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [];
        const head = { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
        response.writeHead(206, head);
        let next = Number(from);
        const timer = setInterval(() => {
          response.write(bytes.subarray(next, next + 50_000));
          next += 50_000;
          sent = next;
        }, 20);
        response.on("close", () => clearInterval(timer));
      });
    };
    const killed = startCli(pullArgs("r8", server.url, "--budget", "20M"));
    await killed.saw(/"done":[1-9]\d{5}/);
    killed.child.kill("SIGKILL");
    await killed.ended;
    expect(sent).toBeLessThan(LARGE_SIZE);
    expect((await readdir(at("r8"))).filter((name) => name.endsWith(".mdy"))).toEqual([]);
    const state = (): Promise<string> => readFile(join(at("r8"), ".mayday-pull.json"), "utf8");
    // What was asked for counts as received until it is known how much came.
    expect(await state()).toMatch(/"open":\{"digest":"[0-9a-f]{64}","from":\d+,"bytes":3\d{6}\}/);
    server.requests.length = 0;
    server.answer = fast;
    const run = await runCli(pullArgs("r8", server.url, "--budget", "20M"));
    const pulled = run.events.find(({ event }) => event === "pulled") ?? expect.fail(run.stderr);
    expect(Number(pulled["resumedAt"])).toBeGreaterThan(90_000);
    expect(Number(pulled["bytes"]) + Number(pulled["resumedAt"])).toBeLessThan(LARGE_SIZE + 5000);
    expect(server.requests.filter((line) => line.includes("bytes=0-"))).toEqual([]);
    expect((await runCli(["repo", "verify", "--repo", at("r8")])).code).toBe(0);
    const spent = [...(await state()).matchAll(/\[\d+,(\d+)\]/g)].reduce(
      (sum, [, bytes]) => sum + Number(bytes),
      0,
    );
    expect(spent).toBeGreaterThan(LARGE_SIZE);
    expect(spent).toBeLessThan(LARGE_SIZE + 1_200_000);
  });

  it("waits for no other process that pulls into the folder, and says so", async () => {
    giveOut(at("w8"));
    const fast = server.answer;
    const asked = new Promise<() => void>((resolve) => {
      server.answer = (path, request, response) => {
        server.answer = fast;
        resolve(() => fast(path, request, response));
      };
    });
    const first = startCli(pullArgs("r9", server.url));
    const release = await asked;
    const second = await runCli(pullArgs("r9", server.url));
    expect(verdictOf(second)).toMatchObject({ code: 1, reason: "pull-busy" });
    release();
    expect((await first.ended).code).toBe(0);
  });

  it("ends on SIGINT with a verdict, and can be continued", async () => {
    giveOut(at("w8"));
    server.answer = () => {};
    server.requests.length = 0;
    const run = startCli(pullArgs("r10", server.url));
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    run.child.kill("SIGINT");
    expect(verdictOf(await run.ended)).toMatchObject({ code: 130, reason: "interrupted" });
  });
});

describe("a real nginx that gives out a published repository", () => {
  it("is pulled from over TLS, with a private authority and the certificate of this client, and answers ranges and ETags", async () => {
    const from = await repo("p20", "v10", "large");
    await publish(from, at("w20"), ...KEY());
    const port = await freePort();
    const lines = [
      `ssl_certificate ${certificates.server};`,
      `ssl_certificate_key ${certificates.serverKey};`,
      `ssl_client_certificate ${certificates.ca};`,
      "ssl_verify_client on;",
    ];
    await mkdir(at("nginx"), { recursive: true });
    const nginx = await openNginx({ dir: at("nginx"), root: at("w20"), port, lines });
    try {
      const url = `https://127.0.0.1:${port}/`;
      const trusted = ["--ca", certificates.ca];
      const mine = ["--cert", certificates.client, "--cert-key", certificates.clientKey];
      const strange = ["--cert", certificates.stranger, "--cert-key", certificates.strangerKey];

      const unknown = await runCli(pullArgs("r20", url, ...mine));
      expect(verdictOf(unknown)).toMatchObject({ code: 1, reason: "net-tls" });
      for (const flags of [trusted, [...trusted, ...strange]]) {
        const refused = await runCli(pullArgs("r20", url, ...flags));
        expect(verdictOf(refused)).toMatchObject({ code: 1 });
        expect(["net-status", "net-tls"]).toContain(verdictOf(refused)["reason"]);
      }
      const run = await runCli(pullArgs("r20", url, ...trusted, ...mine));
      expect(run.events.filter(({ event }) => event === "pulled")).toHaveLength(2);
      expect((await runCli(["repo", "verify", "--repo", at("r20")])).code).toBe(0);

      // nginx's own tag: the second look costs a 304.
      const again = await runCli(pullArgs("r20", url, ...trusted, ...mine));
      expect(again.code).toBe(0);
      const log = await readFile(join(at("nginx"), "access.log"), "utf8");
      const lineOf = (pattern: RegExp): string[] => log.split("\n").filter((line) => pattern.test(line));
      expect(lineOf(/"GET \/index\.json HTTP\/1\.1" 304 /)).toHaveLength(1);
      expect(lineOf(/"GET \/sha256\/[0-9a-f]{64}\.mdy HTTP\/1\.1" 206 /)).toHaveLength(4);
    } finally {
      await nginx.close();
    }
  });
});
