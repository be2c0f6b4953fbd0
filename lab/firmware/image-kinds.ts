import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { type Random, randomBelow, randomBytes, randomChance } from "../../src/base/prng.ts";
import { hasNode, nodesOnLevel, rootLevel, runChildren, type TreeNode } from "../../src/base/tree-shape.ts";
import { decodeTrustStore, encodeTrustStore, type TrustStore } from "../../src/board/trust-store.ts";
import { signedBytes, splitEnvelope, wrapSigned } from "../../src/image/cose.ts";
import { verifyEnvelope } from "../../src/image/envelope.ts";
import { isSameHardware } from "../../src/image/hardware.ts";
import { fileCrc } from "../../src/image/image-header.ts";
import { maxStepOf, trustedKeyOf } from "../../src/image/keys.ts";
import type { Manifest } from "../../src/image/manifest.ts";
import { decodePayload, imageDigest } from "../../src/image/manifest-payload.ts";
import { foldRun } from "../../src/image/merkle.ts";
import { uniformNodeHash } from "../../src/image/uniform-nodes.ts";
import { ObjectKind, RefusalCode } from "../../src/wire/constants.ts";
import { mutated, pick } from "../fuzz/mutate.ts";
import type { Answer } from "./c-side.ts";
import { compared, type Kind } from "./kind.ts";
import { BOARD, configure, envelopeOf, KEYS, randomPayload, randomTrust } from "./manifests.ts";

const NODE_ID = new Uint8Array(8).fill(7);

/** A manifest as the C side dumps it. */
function readManifest(answer: Answer): unknown {
  const digest = answer.bytes(32);
  const root = answer.bytes(32);
  const sequence = answer.number() * 2 ** 32 + answer.number();
  const numbers = Array.from({ length: 13 }, () => answer.number());
  return { digest, root, sequence, numbers };
}

/** The same of the TypeScript side. The digest of a payload alone is not computed. */
function dumpOf(manifest: Manifest, digest: Uint8Array): unknown {
  const { major, minor, patch } = manifest.version;
  const { counter, notAfterCounter, size, leafCount, revisionMin, revisionMax, blockSize, role, confirm } =
    manifest;
  const numbers = [
    ...[major, minor, patch, counter, notAfterCounter, size, leafCount, revisionMin, revisionMax],
    ...[Math.log2(blockSize), role === "app" ? 1 : 2, confirm === "by-app" ? 1 : 0],
    isSameHardware(manifest, BOARD) ? 1 : 0,
  ];
  return { digest, root: manifest.root, sequence: manifest.sequence, numbers };
}

const manifest: Kind = {
  name: "manifest",
  weight: 4,
  run(random, c) {
    const payload = randomPayload(random);
    const input = randomChance(random, 0.7) ? payload : mutated(random, [payload, randomPayload(random)]);
    c.call("reset");
    configure(c, { keys: [], allowUnsigned: false }, NODE_ID, 3);
    const code = c.callWith("read_manifest", input);
    const ts = decodePayload(input);
    if ("tag" in ts)
      return compared(input, false, ts.fault === "role" ? RefusalCode.role : RefusalCode.manifest, code);
    if (code !== 0) return compared(input, false, 0, code);
    return compared(input, true, dumpOf(ts, new Uint8Array(32)), readManifest(c.answer()));
  },
};

const envelope: Kind = {
  name: "envelope",
  weight: 3,
  run(random, c) {
    const seed = (): Uint8Array => {
      const payload = randomPayload(random);
      return envelopeOf(
        random,
        randomChance(random, 0.9) ? payload : mutated(random, [payload]).slice(0, 512),
      );
    };
    let input = seed();
    if (randomChance(random, 0.3)) {
      input = mutated(random, [input]);
      const parts = splitEnvelope(input);
      const key = pick(random, KEYS);
      // Signed again, so that the payload is parsed: what a signer's own mistakes, or a stolen key, would bring.
      if (parts.tag === "signed" && randomChance(random, 0.7))
        input = wrapSigned(parts.payload, key.keyId, key.sign(signedBytes(parts.payload)));
    }
    const trust = randomTrust(random);
    c.call("reset");
    configure(c, trust, NODE_ID, 3);
    const code = c.callWith("check_envelope", input);
    const ts = verifyEnvelope(input, trust, "app");
    if (ts.tag === "refused") return compared(input, false, RefusalCode[ts.reason], code);
    if (code !== 0) return compared(input, false, 0, code);
    const answer = c.answer();
    const step = answer.number();
    const wantedStep = ts.keyId === undefined ? 0xffff_ffff : maxStepOf(trust.keys, ts.keyId);
    const wanted = { step: wantedStep, manifest: dumpOf(ts.manifest, ts.digest) };
    const digest = splitEnvelope(input);
    if (digest.tag !== "fault" && !equalBytes(imageDigest(digest.payload), ts.digest))
      throw new Error("two digests");
    return compared(input, true, wanted, { step, manifest: readManifest(answer) });
  },
};

/** Two sectors of a trust store, as a board left them or as damage did. */
function trustSectors(
  random: Random,
  size: number,
  unit: { writeSize: number; erasedByte: 0xff | 0 },
): Uint8Array {
  const sector = (sequence: number): Uint8Array => {
    const known = Array.from({ length: randomBelow(random, 9) }, () => pick(random, KEYS));
    const keys = known.map((key) => ({
      ...trustedKeyOf(key, pick(random, [["app"], ["recovery"], ["app", "recovery"]] as const)),
      maxCounter: random.u32(),
      maxStep: randomBelow(random, 2000),
    }));
    const bytes = encodeTrustStore({ sequence, keys }, unit);
    return concatBytes(bytes, new Uint8Array(size).fill(unit.erasedByte)).slice(0, size);
  };
  const first = pick(random, [0, 5, 6, 0xffff_ffff, random.u32()]);
  const blank = new Uint8Array(size).fill(unit.erasedByte);
  const second = randomChance(random, 0.6)
    ? sector((first + pick(random, [1, 1, 0, 2, 0xffff_ffff])) >>> 0)
    : blank;
  return randomChance(random, 0.5) ? concatBytes(sector(first), second) : concatBytes(second, sector(first));
}

/** The store that counts, as a board that reads both sectors finds it. */
function electStore(a: TrustStore | undefined, b: TrustStore | undefined): TrustStore | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.sequence > a.sequence ? b : a;
}

const trustStore: Kind = {
  name: "trust-store",
  weight: 2,
  run(random, c) {
    const unit = {
      writeSize: pick(random, [1, 4, 16, 32, 64, 128, 256]),
      erasedByte: pick(random, [0xff, 0xff, 0] as const),
    };
    const size = 8192;
    const input = trustSectors(random, size, unit).slice();
    const stride = Math.max(64, unit.writeSize);
    for (let changes = randomChance(random, 0.5) ? 0 : 1 + randomBelow(random, 2); changes > 0; changes--) {
      const sector = size * randomBelow(random, 2);
      const isHeader = randomChance(random, 0.4);
      const at = sector + (isHeader ? 0 : Math.max(32, unit.writeSize) + stride * randomBelow(random, 3));
      const length = isHeader ? 32 : 64;
      const offset = at + randomBelow(random, randomChance(random, 0.1) ? stride : length);
      input[offset] = randomChance(random, 0.5)
        ? random.u32() & 0xff
        : (input[offset] ?? 0) ^ (1 << randomBelow(random, 8));
      // The CRC is made right again, so that what it covers is looked at.
      if (randomChance(random, 0.8)) {
        const crc = fileCrc(input.subarray(at, at + length - 4));
        new DataView(input.buffer).setUint32(at + length - 4, crc, true);
      }
    }
    c.call("reset");
    c.flash = input;
    const count = c.call("read_trust_store", size, unit.writeSize, unit.erasedByte);
    const stores = [input.subarray(0, size), input.subarray(size)].map((bytes) =>
      decodeTrustStore(bytes, unit),
    );
    const ts = electStore(stores[0], stores[1]);
    const shortened = concatBytes(
      Uint8Array.of(unit.writeSize, unit.erasedByte),
      input.subarray(0, 700),
      input.subarray(size, size + 700),
    );
    if (ts === undefined || count === 255) return compared(shortened, false, ts?.keys.length ?? 255, count);
    const answer = c.answer();
    const said = Array.from({ length: count }, () => [
      answer.bytes(32),
      answer.number(),
      answer.number(),
      answer.number(),
    ]);
    const wanted = ts.keys.map(({ publicKey, roles, maxCounter, maxStep }) => [
      publicKey,
      (roles.includes("app") ? 1 : 0) | (roles.includes("recovery") ? 2 : 0),
      maxCounter,
      maxStep,
    ]);
    return compared(shortened, true, wanted, said);
  },
};

/** A run, or the claim that a node is uniform, of an image of any size. */
const tree: Kind = {
  name: "tree",
  weight: 3,
  run(random, c) {
    const log2 = 10 + randomBelow(random, 7);
    const blockSize = 2 ** log2;
    const most = Math.min(0xffff_ffff, blockSize * 2 ** 20);
    const scale = 2 ** (1 + randomBelow(random, 31));
    const size = 1 + randomBelow(random, Math.min(most, scale));
    const leafCount = Math.ceil(size / blockSize);
    const level = randomChance(random, 0.9)
      ? randomBelow(random, rootLevel(leafCount) + 1)
      : randomBelow(random, 22);
    const index = randomBelow(random, nodesOnLevel(leafCount, level) + (randomChance(random, 0.1) ? 2 : 0));
    const node: TreeNode = { level, index };
    const isUniform = hasNode(leafCount, node) && randomChance(random, 0.4);
    let bytes: Uint8Array = Uint8Array.of(random.u32() & 0xff);
    let hash: Uint8Array = randomBytes(random, 32);
    if (hasNode(leafCount, node)) {
      if (isUniform) hash = uniformNodeHash(bytes[0] ?? 0, leafCount, size, blockSize, node);
      else if (level > 0) {
        bytes = randomBytes(random, 32 * runChildren(leafCount, node).length);
        hash = foldRun(bytes);
      }
    }
    if (randomChance(random, 0.25)) bytes = mutated(random, [bytes]).slice(0, 512);
    const kind = isUniform ? ObjectKind.uniform : ObjectKind.run;
    const input = concatBytes(hash, bytes);
    c.call("reset");
    c.exchange(input);
    const isRight = c.call("check_run", size, log2, level, index, kind, bytes.length) === 1;
    const wanted = isProved(leafCount, size, blockSize, node, isUniform, bytes, hash);
    const head = new Uint8Array(Uint32Array.of(size, log2, level, index, kind).buffer);
    return compared(concatBytes(head, input), wanted, wanted, isRight);
  },
};

/** As a board judges it (PROTOCOL.md 7.4, 7.5). Uniform claims are asked of any node that has a run; here of leaves, too. */
function isProved(
  leafCount: number,
  size: number,
  blockSize: number,
  node: TreeNode,
  isUniform: boolean,
  bytes: Uint8Array,
  hash: Uint8Array,
): boolean {
  if (!hasNode(leafCount, node)) return false;
  if (isUniform) {
    const [byte] = bytes;
    return (
      bytes.length === 1 && equalBytes(uniformNodeHash(byte ?? 0, leafCount, size, blockSize, node), hash)
    );
  }
  if (node.level === 0 || bytes.length !== 32 * runChildren(leafCount, node).length) return false;
  return equalBytes(foldRun(bytes), hash);
}

export const IMAGE_KINDS: readonly Kind[] = [manifest, envelope, trustStore, tree];
