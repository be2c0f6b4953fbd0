import { afterEach, describe, expect, it, vi } from "vitest";
import type { FlashLayout } from "../../src/flash/geometry.ts";

/*
 * Two images whose short digests are the same, and two names whose hardware ids are. Both are cut down to 1 byte here, so
 * that such pairs are found at once: what is decided by them goes wrong, what is decided by the whole does not.
 */
const CUT = 1;

const cut = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(bytes.subarray(0, 8), (b, i) => (i < CUT ? b : 0));

/** The board over modules in which short digests and hardware ids have one byte that counts. */
async function cutDown() {
  vi.resetModules();
  vi.doMock("../../src/image/manifest.ts", async (actual) => {
    const real = await actual<typeof import("../../src/image/manifest.ts")>();
    const shortDigest: typeof real.shortDigest = (digest) => cut(real.shortDigest(digest));
    return { ...real, shortDigest };
  });
  vi.doMock("../../src/image/hardware.ts", async (actual) => {
    const real = await actual<typeof import("../../src/image/hardware.ts")>();
    const hardwareId: typeof real.hardwareId = (...names) => cut(real.hardwareId(...names));
    return { ...real, hardwareId };
  });
  // Modules are loaded again, and so is the one that holds the cryptography.
  await import("../../src/crypto/use-node-crypto.ts");
  const { shortDigest } = await import("../../src/image/manifest.ts");
  const { hardwareId } = await import("../../src/image/hardware.ts");
  const { installFrom } = await import("../../src/board/install.ts");
  const { attemptBoot, confirmBoot } = await import("../../src/board/boot.ts");
  const support = await import("./support.ts");
  return { ...support, shortDigest, hardwareId, installFrom, attemptBoot, confirmBoot };
}

type Board = Awaited<ReturnType<typeof cutDown>>;

/** Two `by-app` images with the same short digest: version 1 with counter 1, and version 2 with counter 9. */
function collision({ image, randomData, shortDigest }: Board) {
  const made = (n: number, counter: number) => (seed: number) =>
    image(randomData(2048, seed), { version: { major: n, minor: 0, patch: 0 }, counter, confirm: "by-app" });
  const first = made(1, 1)(1);
  const key = shortDigest(first.digest).join();
  for (let seed = 2; ; seed++) {
    const second = made(2, 9)(seed);
    if (shortDigest(second.digest).join() === key) return { first, second };
  }
}

const UPDATE = { allowUpdate: true, allowSingleUpdate: true };

describe("an image with the short digest of another one", () => {
  afterEach(() => {
    vi.doUnmock("../../src/image/manifest.ts");
    vi.doUnmock("../../src/image/hardware.ts");
    vi.resetModules();
  });

  it.each<FlashLayout>(["single", "ab"])("skips no trial, and raises no floor, in %s", async (layout) => {
    const lab = await cutDown();
    const { first, second } = collision(lab);
    const made = lab.board({ geometry: { ...lab.GEOMETRY, layout } });
    lab.installFrom(made.store(), first);
    lab.confirmBoot(made.parts);
    lab.installFrom(made.store(UPDATE), second);
    const { state } = made.parts.record;
    expect(state.counterFloor).toBe(1);
    expect(state.slots.at(-1)).toMatchObject({ isConfirmed: false, digest: second.digest });
    expect(made.boot()).toMatchObject({ tag: "boot", isTrial: true });
    expect(lab.board({ geometry: { ...lab.GEOMETRY, layout }, storage: made.storage }).boot()).toMatchObject({
      isTrial: true,
      image: { digest: second.digest },
    });
  });

  it("is not the one that was half received: it has no right to be resumed in quarantine", async () => {
    const lab = await cutDown();
    const { first, second } = collision(lab);
    const made = lab.board();
    const store = made.store();
    store.checkManifest(first.envelope);
    lab.feed(store, first, (done) => done === 0);
    made.parts.record.append({
      tag: "receiving",
      receiving: { slot: 0, digest: first.digest, area: 0 },
    });
    const adviceDigest8 = second.digest.subarray(0, 8);
    made.parts.record.append({ tag: "failed", failed: { adviceDigest8, count: 9 } });
    expect(store.checkManifest(second.envelope)).toMatchObject({ reason: "quarantined" });
  });

  it("is not booted in its place when its manifest lies where the other one's was", async () => {
    const lab = await cutDown();
    const { first, second } = collision(lab);
    const made = lab.board();
    lab.installFrom(made.store(), first);
    const { slots } = made.parts.record.state;
    const [slot] = slots;
    if (slot === undefined) expect.fail("an image is installed");
    made.parts.record.append({ tag: "slot", slot: { ...slot, digest: second.digest }, floor: 0 });
    expect(made.boot()).toEqual({ tag: "recovery", reason: "manifest" });
  });

  it("is not taken for other hardware whose id is the same", async () => {
    const lab = await cutDown();
    const id = lab.hardwareId("acme", "gate").join();
    const other = Array.from({ length: 2000 }, (_, i) => `gate-${i}`).find(
      (name) => lab.hardwareId("acme", name).join() === id,
    );
    if (other === undefined) expect.fail("a class with the same id");
    const foreign = lab.image(lab.randomData(2048), { hardwareClass: other });
    const made = lab.board();
    expect(made.store().checkManifest(foreign.envelope)).toMatchObject({
      reason: "hardware",
      detail: `made for acme/${other} revision 0-65535, this board is acme/gate revision 3`,
    });
    expect(made.store().checkManifest(lab.image(lab.randomData(2048)).envelope).tag).toBe("accepted");
  });
});
