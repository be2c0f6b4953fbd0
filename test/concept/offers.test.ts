import { describe, expect, it } from "vitest";
import type { Millis } from "../../src/base/units.ts";
import type { ImageSource } from "../../src/image/image-source.ts";
import { fixedRepository } from "../../src/image/repository.ts";
import type { Beacon } from "../../src/wire/messages.ts";
import { wrappedTransport } from "../support/wrapped-transport.ts";
import type { Sighting } from "./sightings.ts";
import { imageOf, STAGE_BLOCKS, Stage, type StageNode } from "./stage.ts";

/** A board A that holds an image, and one that calls, or runs an older one: B. */
function pair(provided: ImageSource, installed: ImageSource | undefined): [Stage, StageNode, StageNode] {
  const stage = new Stage();
  const [ab, ba] = stage.wire("A", "B");
  const a = stage.node(stage.board({ image: provided }), [ab]);
  const b = stage.node(stage.board(installed === undefined ? {} : { image: installed }), [ba]);
  return [stage, a, b];
}

const firstAt = ([first]: readonly Sighting[]): Millis => first?.at ?? Number.NaN;

describe("an image is offered, and then requested", () => {
  it("C3 C4 C12 F1.4 §60: a board that does not boot calls, gets an offer, accepts it, and only then the image", async () => {
    const [stage, a, b] = pair(imageOf("1.0.0"), undefined);
    await stage.until(() => b.started.length > 0, 30_000, a, b);
    const [call, offer, accept, image] = [
      firstAt(stage.seen("B-A", "distress")),
      firstAt(stage.seen("A-B", "offer")),
      firstAt(stage.seen("B-A", "accept")),
      firstAt(stage.seen("A-B", "image")),
    ];
    expect(call).toBeLessThan(offer);
    expect(offer).toBeLessThan(accept);
    expect(accept).toBeLessThan(image);
    expect(stage.seen("B-A", "image")).toEqual([]);
    expect(b.boots).toBe("1.0.0");
  });

  it("C4 C8 F1.4: no byte of an image is sent while no accept comes, however often it is offered", async () => {
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B");
    // A hears what comes until it has offered, and nothing after it.
    const deaf = wrappedTransport(ab, {
      onBytes: (bytes, handlers) => {
        if (stage.seen("A-B", "offer").length === 0) handlers.onBytes(bytes);
      },
    });
    stage.node(stage.board({ image: imageOf("1.0.0") }), [deaf]);
    stage.node(stage.board(), [ba]);
    await stage.pass(65_000);
    expect(stage.seen("A-B", "offer").length).toBeGreaterThan(3);
    expect(stage.seen("B-A", "accept").length).toBeGreaterThan(0);
    expect(stage.seen("A-B", "image", "control")).toEqual([]);
  });

  it("C7 C8 C16 F1.7: a board that runs an older version gets the newer one, on its request after an offer", async () => {
    const [stage, a, b] = pair(imageOf("1.1.0"), imageOf("1.0.0"));
    await stage.until(() => b.started.includes("1.1.0"), 60_000, a, b);
    const [offer, accept, image] = [
      firstAt(stage.seen("A-B", "offer")),
      firstAt(stage.seen("B-A", "accept")),
      firstAt(stage.seen("A-B", "image")),
    ];
    expect(offer).toBeLessThan(accept);
    expect(accept).toBeLessThan(image);
    expect(b.started).toEqual(["1.0.0", "1.1.0"]);
    expect(b.boots).toBe("1.1.0");
    expect(a.of("healed").map(({ blocks, version }) => [blocks, version])).toEqual([[STAGE_BLOCKS, "1.1.0"]]);
  });

  it("F1.8 §27 §35: an updated board announces its version, and the other one's status then contains a request", async () => {
    const old = imageOf("1.0.0");
    const [stage, a, b] = pair(old, old);
    await stage.pass(30_000);
    const beaconsOf = (end: string): (Beacon & { readonly at: Millis })[] =>
      stage
        .seen(end, "beacon")
        .flatMap(({ at, message }) => (message?.tag === "beacon" ? [{ ...message, at }] : []));
    const requests = (): (Beacon & { readonly at: Millis })[] =>
      beaconsOf("B-A").filter(({ wantsUpdate }) => wantsUpdate === true);
    expect(beaconsOf("B-A").length).toBeGreaterThan(1);
    expect(requests()).toEqual([]);
    expect(stage.seen(undefined, "offer", "image")).toEqual([]);

    await Promise.all([
      a.handle.install(imageOf("1.1.0"), "a file"),
      stage.until(() => b.started.includes("1.1.0"), 60_000, a, b),
    ]);
    const announced = beaconsOf("A-B").find(
      ({ version, isTrial }) => version.minor === 1 && isTrial !== true,
    );
    const [request] = requests();
    expect(announced?.at).toBeLessThan(request?.at ?? 0);
    // What is asked for is still the old board's status: its own version.
    expect(request?.version).toEqual({ major: 1, minor: 0, patch: 0 });
    expect(request?.at).toBeLessThan(firstAt(stage.seen("A-B", "offer")));
    expect(b.boots).toBe("1.1.0");
  });
});

describe("which image is offered", () => {
  const CLASSES = ["gate", "valve", "meter"];
  const VERSIONS = ["0.9.0", "1.0.0", "1.2.0", "1.10.0", "1.9.9"];
  const images = CLASSES.flatMap((hardwareClass, build) =>
    VERSIONS.map((version) => imageOf(version, { hardwareClass, build })),
  );

  it("C11 C18 C20 C24 F1.10 F1.13 F3.4: of a repository of many the newest for each board's hardware, by a node without a board", async () => {
    const stage = new Stage();
    const wires = CLASSES.map((name) => stage.wire("P", name));
    const provider = stage.provider(
      wires.map(([end]) => end),
      { repository: fixedRepository(images) },
    );
    const boards = CLASSES.map((hardwareClass, i) =>
      stage.node(
        stage.board({ hardwareClass }),
        wires.slice(i, i + 1).map(([, end]) => end),
      ),
    );
    await stage.until(() => boards.every(({ started }) => started.length > 0), 60_000, provider, ...boards);
    expect(boards.map(({ boots }) => boots)).toEqual(["1.10.0", "1.10.0", "1.10.0"]);
    for (const [i, { board }] of boards.entries()) {
      const { parts } = board;
      const outcome = board.boot();
      expect(outcome.tag === "boot" && outcome.image.manifest.hardwareClass).toBe(CLASSES[i]);
      expect(parts.identity.hardware.hardwareClass).toBe(CLASSES[i]);
    }
  });

  it("C11 F1.10: none when the repository has none for the hardware, and not a byte is sent", async () => {
    const stage = new Stage();
    const [pb, bp] = stage.wire("P", "B");
    const provider = stage.provider([pb], { repository: fixedRepository(images) });
    stage.node(stage.board({ hardwareClass: "pump" }), [bp]);
    await stage.pass(30_000);
    expect(stage.seen("P-B", "none").length).toBeGreaterThan(0);
    expect(stage.seen("P-B", "offer", "image")).toEqual([]);
    expect(provider.of("healed")).toEqual([]);
  });

  it("C11 F1.11: the own firmware, where the repository is empty", async () => {
    const stage = new Stage();
    const [ab, ba] = stage.wire("A", "B");
    const a = stage.node(stage.board({ image: imageOf("1.0.0") }), [ab], { repository: fixedRepository([]) });
    const b = stage.node(stage.board(), [ba], { repository: fixedRepository([]) });
    await stage.until(() => b.started.length > 0, 30_000, a, b);
    expect(b.boots).toBe("1.0.0");
  });

  it("C21 C22 F1.13: a node without a board updates an older board from its repository, and is never a target itself", async () => {
    const stage = new Stage();
    const [pb, bp] = stage.wire("P", "B");
    const provider = stage.provider([pb], { repository: fixedRepository(images) });
    const b = stage.node(stage.board({ image: imageOf("1.0.0") }), [bp]);
    await stage.until(() => b.started.includes("1.10.0"), 60_000, provider, b);
    await stage.pass(60_000);
    expect(new Set(provider.of("role").map(({ role }) => role))).toEqual(new Set(["rescuer", "idle"]));
    expect(stage.seen("P-B", "distress", "accept")).toEqual([]);
  });
});
