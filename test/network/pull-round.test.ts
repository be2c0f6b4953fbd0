import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { trustedKeyOf } from "../../src/image/keys.ts";
import { fileImage, OTHER, OWNER, PullScene, shortEvents } from "./pull-scene.ts";

let scene: PullScene;
beforeAll(async () => {
  scene = await PullScene.open();
});
beforeEach(() => scene.clear());
afterAll(() => scene.close());

const OLD = fileImage(1);
const NEW = fileImage(2);
const LARGE = fileImage(3, { size: 400_000 });
const requestsOf = (path: string): string[] => scene.server.requests.filter((line) => line.includes(path));

describe("a pull", () => {
  it("puts the images of the index into the folder, the newest first, and nothing the second time", async () => {
    scene.publish(1, [OLD, NEW]);
    const first = await scene.pull();
    expect(shortEvents(first.events)).toEqual(["index 1", "pulled 1.2", "pulled 1.1"]);
    expect(first).toMatchObject({ pulled: 2, fault: undefined });
    expect(await scene.installed()).toEqual(["1.1", "1.2"]);
    scene.server.requests.length = 0;
    const second = await scene.pull();
    expect(shortEvents(second.events)).toEqual(["index 1 unchanged"]);
    expect(second.bytes).toBeLessThan(500);
    expect(scene.server.requests).toEqual(["GET /index.json"]);
  });

  it("asks for the head of an image first, and for each byte once", async () => {
    scene.publish(1, [LARGE]);
    await scene.pull();
    const [head, rest, ...others] = requestsOf("sha256");
    expect(others).toEqual([]);
    const headEnd = Number(/bytes=0-(\d+)$/.exec(head ?? "")?.[1]);
    expect(headEnd).toBeLessThan(1000);
    expect(rest).toMatch(new RegExp(`bytes=${headEnd + 1}-${LARGE.bytes.length - 1}$`));
    expect(await scene.others()).toEqual([".mayday-pull-index.json", ".mayday-pull.json"]);
  });

  it("takes only images for the hardware that is asked for", async () => {
    const lamp = fileImage(4, { hardwareClass: "lamp" });
    scene.publish(1, [OLD, lamp]);
    const run = await scene.pull({ hardware: [{ vendor: "acme", hardwareClass: "lamp" }] });
    expect(shortEvents(run.events)).toEqual(["index 1", "pulled 1.4"]);
  });

  it("fetches nothing that is below the security counter of what it has", async () => {
    const raised = fileImage(5, { counter: 3 });
    scene.publish(1, [OLD, raised]);
    const run = await scene.pull();
    expect(shortEvents(run.events)).toEqual(["index 1", "pulled 1.5", "left-out 1.1 counter"]);
    expect(run.fault).toBeUndefined();
    expect(requestsOf(OLD.entry.digest)).toEqual([]);
  });

  it("continues where a connection ended, within one pull and in the next", async () => {
    scene.publish(1, [LARGE]);
    let cuts = 0;
    scene.server.answer = (path, request, response) => {
      if (!path.startsWith("sha256") || request.headers.range?.startsWith("bytes=0-") === true) {
        scene.answer(path, request, response);
        return;
      }
      const [, from] = /^bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [];
      const start = Number(from);
      const size = LARGE.bytes.length;
      const head = { "content-range": `bytes ${start}-${size - 1}/${size}`, "content-length": size - start };
      cuts++;
      response
        .writeHead(206, head)
        .write(LARGE.bytes.subarray(start, start + 50_000), () => response.destroy());
    };
    const first = await scene.pull();
    expect(first).toMatchObject({ code: "net-truncated", exitCode: 3, pulled: 0 });
    expect(cuts).toBe(5);
    expect(await scene.installed()).toEqual([]);
    scene.reset();
    const second = await scene.pull();
    expect(second).toMatchObject({ pulled: 1, fault: undefined });
    expect(second.bytes).toBeLessThan(LARGE.bytes.length - 200_000);
    expect(await scene.installed()).toEqual(["1.3"]);
  });

  it("does not trust what is there in part: what a power cut left in it is fetched again", async () => {
    scene.publish(1, [LARGE]);
    const part = Buffer.from(LARGE.bytes.subarray(0, 200_000));
    part.fill(0, 150_000);
    await writeFile(join(scene.dir, `.mayday-pull-${LARGE.entry.digest}.part`), part);
    const run = await scene.pull();
    expect(run).toMatchObject({ pulled: 1, fault: undefined });
    expect(await scene.installed()).toEqual(["1.3"]);
  });

  it.each([
    ["of another image", () => OLD.bytes],
    ["that is longer than it", () => Buffer.concat([LARGE.bytes, Buffer.alloc(10)])],
    ["of nothing", () => Buffer.alloc(100)],
    ["with a link", () => undefined],
  ])("replaces a part %s", async (what, content) => {
    scene.publish(1, [LARGE]);
    const path = join(scene.dir, `.mayday-pull-${LARGE.entry.digest}.part`);
    const bytes = content();
    if (bytes === undefined) {
      const { symlink } = await import("node:fs/promises");
      await writeFile(join(scene.dir, "victim"), "mine");
      await symlink(join(scene.dir, "victim"), path);
    } else await writeFile(path, bytes);
    expect(await scene.pull(), what).toMatchObject({ pulled: 1, fault: undefined });
    expect(await scene.installed().catch(() => ["1.3"])).toEqual(["1.3"]);
    if (bytes === undefined) expect(await readFile(join(scene.dir, "victim"), "utf8")).toBe("mine");
  });

  it("removes parts of images that are listed no more", async () => {
    await writeFile(join(scene.dir, `.mayday-pull-${"ab".repeat(32)}.part`), "x");
    scene.publish(1, [OLD]);
    await scene.pull();
    expect(await scene.others()).toEqual([".mayday-pull-index.json", ".mayday-pull.json"]);
  });
});

/** What a server does to a file of an image; undefined: as it should be. */
type Trick = (...args: Parameters<PullScene["server"]["answer"]>) => void;

describe("a hostile or broken server", () => {
  const isRest = (range: string | undefined): boolean => range?.startsWith("bytes=0-") === false;
  const TRICKS: readonly (readonly [
    what: string,
    code: string,
    exitCode: number,
    isFinal: boolean,
    trick: Trick,
  ])[] = [
    [
      "that is missing the image",
      "net-status",
      1,
      true,
      (_path, _request, response) => response.writeHead(404).end(),
    ],
    [
      "that forbids the image",
      "net-status",
      1,
      true,
      (_path, _request, response) => response.writeHead(403).end(),
    ],
    [
      "that cannot serve now",
      "net-server",
      3,
      false,
      (_path, _request, response) => response.writeHead(503).end(),
    ],
    [
      "that redirects to another origin",
      "net-redirect",
      1,
      true,
      (_path, _request, response) => response.writeHead(302, { location: "http://169.254.169.254/" }).end(),
    ],
    [
      "that sends a compressed bomb",
      "net-encoded",
      1,
      true,
      (_path, _request, response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(20_000_000))),
    ],
    [
      "that ignores ranges",
      "net-range",
      1,
      true,
      (_path, _request, response) => response.writeHead(200).end(LARGE.bytes),
    ],
    [
      "that ignores the second range",
      "net-range",
      1,
      true,
      (path, request, response) =>
        isRest(request.headers.range)
          ? response.writeHead(200).end(LARGE.bytes)
          : scene.answer(path, request, response),
    ],
    [
      "whose file has another length than the index says",
      "net-length",
      1,
      true,
      (_path, { headers }, response) => {
        const [, from = "", last = ""] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
        const range = `bytes ${from}-${last}/${LARGE.bytes.length + 1}`;
        response
          .writeHead(206, { "content-range": range })
          .end(LARGE.bytes.subarray(Number(from), Number(last) + 1));
      },
    ],
    [
      "that sends more than the range",
      "net-length",
      1,
      true,
      (path, { headers }, response) => {
        if (!isRest(headers.range)) return scene.answer(path, { headers } as never, response);
        const [, from = "", last = ""] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
        response.writeHead(206, { "content-range": `bytes ${from}-${last}/${LARGE.bytes.length}` });
        response.end(Buffer.concat([LARGE.bytes.subarray(Number(from)), Buffer.alloc(1_000_000)]));
      },
    ],
    [
      "that sends other data behind a right head",
      "image-corrupt",
      1,
      true,
      (path, request, response) => {
        const wrong = Uint8Array.from(LARGE.bytes);
        wrong[300_000] = (wrong[300_000] ?? 0) ^ 1;
        scene.files.set(path, wrong);
        scene.answer(path, request, response);
      },
    ],
    [
      "that breaks the connection off",
      "net-truncated",
      3,
      false,
      (path, request, response) => {
        if (!isRest(request.headers.range)) return scene.answer(path, request, response);
        const [, from = ""] = /^bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [];
        const size = LARGE.bytes.length;
        response.writeHead(206, {
          "content-range": `bytes ${from}-${size - 1}/${size}`,
          "content-length": size,
        });
        response.destroy();
      },
    ],
    [
      "that sends a byte now and then",
      "net-slow",
      3,
      false,
      (_path, { headers }, response) => {
        const [, from = "", last = ""] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
        response.writeHead(206, { "content-range": `bytes ${from}-${last}/${LARGE.bytes.length}` });
        const timer = setInterval(() => response.write("x"), 50);
        response.on("close", () => clearInterval(timer));
      },
    ],
    [
      "that gives out another image",
      "index-lies",
      4,
      true,
      (path, request, response) => {
        scene.files.set(path, fileImage(9, { size: 400_000 }).bytes);
        scene.answer(path, request, response);
      },
    ],
    [
      "that gives out an image that somebody else signed",
      "signature",
      4,
      true,
      (path, request, response) => {
        scene.files.set(path, fileImage(3, { size: 400_000, key: OTHER }).bytes);
        scene.answer(path, request, response);
      },
    ],
    [
      "that gives out bytes that are no image",
      "image-foreign",
      1,
      true,
      (path, request, response) => {
        scene.files.set(path, new Uint8Array(LARGE.bytes.length));
        scene.answer(path, request, response);
      },
    ],
  ];

  it.each(TRICKS)(
    "%s gets nothing in: it is named, the budget holds, and other images come",
    async (what, code, exitCode, isFinal, trick) => {
      scene.publish(1, [OLD, LARGE]);
      scene.server.answer = (path, request, response) => {
        if (path === LARGE.entry.url) trick(path, request, response);
        else scene.answer(path, request, response);
      };
      const budget = 1_000_000;
      const run = await scene.pull({ budget, idleMs: 400 });
      expect(run, what).toMatchObject({ code, exitCode, pulled: 1 });
      expect(shortEvents(run.events)).toEqual([
        "index 1",
        `failed 1.3 ${code}${isFinal ? " final" : ""}`,
        "pulled 1.1",
      ]);
      expect(await scene.installed()).toEqual(["1.1"]);
      expect(run.bytes).toBeLessThan(budget);
      expect(requestsOf(LARGE.entry.digest).length).toBeLessThanOrEqual(3);

      // What is final is not asked for again while the index is the same; what may pass, once in each pull.
      scene.server.requests.length = 0;
      const again = await scene.pull({ budget, idleMs: 400 });
      expect(again).toMatchObject({ code, exitCode });
      expect(requestsOf(LARGE.entry.digest).length > 0).toBe(!isFinal);
      if (isFinal) expect(shortEvents(again.events)).toEqual(["index 1 unchanged", `left-out 1.3 ${code}`]);

      // The server is repaired, and the index grows.
      scene.reset();
      scene.publish(2, [OLD, LARGE]);
      expect(await scene.pull()).toMatchObject({ pulled: 1, fault: undefined });
      expect(await scene.installed()).toEqual(["1.1", "1.3"]);
    },
  );

  it("is asked again for what failed for good when a person says so, or when other keys are trusted", async () => {
    const foreign = fileImage(2, { key: OTHER });
    scene.publish(1, [foreign]);
    expect(await scene.pull()).toMatchObject({ code: "signature" });
    expect(await scene.pull()).toMatchObject({ code: "signature" });
    expect(requestsOf(foreign.entry.digest)).toHaveLength(1);
    expect(await scene.pull({ again: true })).toMatchObject({ code: "signature" });
    expect(requestsOf(foreign.entry.digest)).toHaveLength(2);
    const keys = [OWNER, OTHER].map((key) => trustedKeyOf(key, ["app"]));
    expect(await scene.pull({ trust: { keys, allowUnsigned: false } })).toMatchObject({
      pulled: 1,
      fault: undefined,
    });
  });

  it("that is not there costs nothing but time", async () => {
    scene.publish(1, [OLD]);
    const run = await scene.pull({ url: new URL("http://127.0.0.1:1/") });
    expect(run).toMatchObject({ code: "net-unreachable", exitCode: 3, pulled: 0 });
    expect(shortEvents(run.events)).toEqual(["failed index net-unreachable"]);
  });
});

describe("an index", () => {
  it("that is older than one that was used is named, and nothing of it is used", async () => {
    scene.publish(5, [OLD]);
    await scene.pull();
    scene.publish(4, [OLD, NEW]);
    const run = await scene.pull();
    expect(run).toMatchObject({ code: "index-older", exitCode: 4, pulled: 0 });
    expect(shortEvents(run.events)).toEqual(["failed index index-older"]);
    expect(await scene.installed()).toEqual(["1.1"]);
  });

  it("that lists less is named and not used, until its owner says that it is meant; what the folder has stays", async () => {
    scene.publish(5, [OLD, NEW]);
    await scene.pull();
    scene.publish(6, [LARGE]);
    expect(await scene.pull()).toMatchObject({ code: "index-shrunk", exitCode: 4, pulled: 0 });
    scene.publish(6, [LARGE], { pruned: 6 });
    expect(await scene.pull()).toMatchObject({ pulled: 1, fault: undefined });
    expect(await scene.installed()).toEqual(["1.1", "1.2", "1.3"]);
  });

  it("that is another one of the same counter is named, and not used", async () => {
    scene.publish(5, [OLD]);
    await scene.pull();
    scene.publish(5, [OLD, NEW]);
    expect(await scene.pull()).toMatchObject({ code: "index-forked", exitCode: 4, pulled: 0 });
  });

  it.each([
    ["not signed", null, "index-unsigned", 4],
    ["signed by somebody else", OTHER, "index-signature", 4],
  ])("that is %s is refused by who trusts keys", async (_what, key, code, exitCode) => {
    scene.publish(1, [OLD], { key });
    expect(await scene.pull()).toMatchObject({ code, exitCode, pulled: 0 });
    expect(requestsOf("sha256")).toEqual([]);
  });

  it("that is damaged, or is no index, is named, and the next one is looked at", async () => {
    scene.publish(1, [OLD]);
    const whole = scene.files.get("index.json") ?? new Uint8Array();
    scene.files.set("index.json", whole.subarray(0, whole.length - 9));
    expect(await scene.pull()).toMatchObject({ code: "index-damaged", exitCode: 1, pulled: 0 });
    scene.files.set("index.json", new TextEncoder().encode("<html>log in</html>"));
    expect(await scene.pull()).toMatchObject({ code: "index-damaged", exitCode: 1 });
    scene.publish(1, [OLD]);
    expect(await scene.pull()).toMatchObject({ pulled: 1 });
  });

  it("that lies about an image is caught by the image's own head", async () => {
    const entry = { ...OLD.entry, counter: 7 };
    scene.publish(1, [{ ...OLD, entry }]);
    expect(await scene.pull()).toMatchObject({ code: "index-lies", exitCode: 4, pulled: 0 });
    expect(requestsOf("sha256")).toHaveLength(1);
  });

  it("without a signature, and images without one, are taken where nobody is trusted and that is allowed", async () => {
    const unsigned = fileImage(6, { key: null });
    scene.publish(1, [unsigned], { key: null });
    const trust = { keys: [], allowUnsigned: true };
    expect(await scene.pull({ trust })).toMatchObject({ pulled: 1, fault: undefined });
    await scene.clear();
    scene.publish(1, [unsigned]);
    expect(await scene.pull()).toMatchObject({ code: "unsigned", exitCode: 4 });
  });

  it("of another place has a counter of its own, and that is said", async () => {
    scene.publish(9, [OLD]);
    await scene.pull();
    scene.publish(2, [OLD, NEW]);
    const elsewhere = new URL("elsewhere/", scene.server.url);
    for (const [path, bytes] of [...scene.files]) scene.files.set(`elsewhere/${path}`, bytes);
    const run = await scene.pull({ url: elsewhere });
    expect(shortEvents(run.events)).toEqual(["warning", "index 2", "pulled 1.2"]);
  });
});

describe("what a pull keeps", () => {
  it("has no influence when it is damaged, and that is said: the counter is not lowered silently", async () => {
    scene.publish(5, [OLD]);
    await scene.pull();
    await writeFile(
      join(scene.dir, ".mayday-pull.json"),
      (await scene.state()).replace('"counter":5', '"counter":1'),
    );
    scene.publish(4, [OLD, NEW]);
    const run = await scene.pull();
    expect(shortEvents(run.events)).toEqual(["warning", "index 4", "pulled 1.2"]);
  });

  it("is complete without the index: then it is fetched again, and the counter still counts", async () => {
    scene.publish(5, [OLD]);
    await scene.pull();
    await writeFile(join(scene.dir, ".mayday-pull-index.json"), "damaged");
    scene.publish(4, [OLD, NEW]);
    const older = await scene.pull();
    expect(shortEvents(older.events)).toEqual(["warning", "failed index index-older"]);
    scene.publish(6, [OLD, NEW]);
    expect(shortEvents((await scene.pull()).events)).toEqual(["warning", "index 6", "pulled 1.2"]);
  });

  it("is nobody's image: a listing of the folder does not name it", async () => {
    scene.publish(1, [OLD]);
    await scene.pull();
    expect(await scene.installed()).toEqual(["1.1"]);
  });
});

describe("the budget of a day", () => {
  it("ends a pull in mid-image, which the next day continues, without a byte twice", async () => {
    scene.publish(1, [LARGE]);
    const budget = 200_000;
    let day = 0;
    let received = 0;
    for (; day < 5; day++) {
      const run = await scene.pull({ budget });
      received += run.bytes;
      expect(run.bytes).toBeLessThanOrEqual(budget);
      // Later on the same day there is nothing left but a rest that is too small.
      const later = await scene.pull({ budget });
      expect(later.bytes + run.bytes).toBeLessThanOrEqual(budget);
      received += later.bytes;
      if (run.pulled > 0 || later.pulled > 0) break;
      expect(later).toMatchObject({ code: "budget-spent", exitCode: 1 });
      scene.uptimeMs += 25 * 3_600_000;
    }
    expect(day).toBe(2);
    expect(received).toBeLessThan(LARGE.bytes.length + 10_000);
    expect(await scene.installed()).toEqual(["1.3"]);
  });

  it("is no larger after a restart of the system, whatever the clock said: only time that surely passed counts", async () => {
    scene.publish(1, [LARGE]);
    const budget = 200_000;
    await scene.pull({ budget });
    scene.uptimeMs = 60_000;
    const run = await scene.pull({ budget });
    expect(run).toMatchObject({ code: "budget-spent" });
    scene.uptimeMs += 25 * 3_600_000;
    expect((await scene.pull({ budget })).bytes).toBeGreaterThan(100_000);
  });

  it("is not spent by an index that would fit on another day", async () => {
    scene.publish(
      1,
      Array.from({ length: 400 }, (_, i) => fileImage(i + 1, { size: 1024 })),
    );
    const run = await scene.pull({ budget: 65_536 });
    expect(run).toMatchObject({ code: "budget-spent", pulled: 0 });
  });
});
