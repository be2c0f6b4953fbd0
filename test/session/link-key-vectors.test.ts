import { createHmac, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EMPTY, toHex } from "../../src/base/bytes.ts";
import { linkKeyOf } from "../../src/node/derived-link-key.ts";
import { callDigestOf } from "../../src/session/call-digest.ts";
import type { SessionIdentity } from "../../src/session/identity.ts";
import { LinkGuard } from "../../src/session/link-guard.ts";
import {
  ACK_DELAY_UNIT_MS,
  CALL_NAME_LENGTH,
  CRC_LENGTH,
  LinkKeyUse,
  PROTOCOL_VERSION,
} from "../../src/wire/constants.ts";
import { decodeFrame, encodeMessage, encodePacket } from "../../src/wire/frame.ts";
import { linkProofOf } from "../../src/wire/link-proof.ts";
import type { Frame, Message } from "../../src/wire/messages.ts";
import { bytesOf } from "../wire/wire-vectors.ts";

interface Vector {
  readonly name: string;
  readonly sender: "target" | "rescuer";
  readonly frame: Readonly<Record<string, unknown>>;
  readonly frameHex: string;
}

interface VectorFile {
  readonly protocolVersion: number;
  readonly hkdf: readonly {
    readonly ikm: string;
    readonly salt: string;
    readonly info: string;
    okm: string;
  }[];
  readonly hmac: readonly { readonly name: string; key: string; octets: string; mac: string }[];
  readonly linkKey: string;
  readonly sessionTag: number;
  readonly identity: Readonly<Record<Exclude<keyof SessionIdentity, "acceptNonce">, string>>;
  readonly calls: readonly { readonly name: string; frameHex: string; readonly digest: string }[];
  readonly acceptNonce: string;
  readonly keys: readonly {
    readonly use: keyof typeof LinkKeyUse;
    salt: string;
    info: string;
    okm: string;
  }[];
  readonly handshake: readonly Vector[];
  readonly sealed: readonly (Vector & { readonly counter: number })[];
}

const url = new URL("../../vectors/link-key-v1.json", import.meta.url);
const file = JSON.parse(readFileSync(url, "utf8")) as VectorFile;
const key = linkKeyOf(bytesOf(file.linkKey));
const acceptNonce = bytesOf(file.acceptNonce);
const callDigest = bytesOf(file.identity.callDigest);
const identity: SessionIdentity = {
  acceptNonce,
  callDigest,
  targetId: bytesOf(file.identity.targetId),
  targetNonce: bytesOf(file.identity.targetNonce),
  rescuerId: bytesOf(file.identity.rescuerId),
  rescuerNonce: bytesOf(file.identity.rescuerNonce),
  digest: bytesOf(file.identity.digest),
};
const other = { target: "rescuer", rescuer: "target" } as const;

/** Fields in hexadecimal as bytes; the file is ours and frozen. */
function frameOf(fields: Vector["frame"]): Frame {
  const entries = Object.entries(fields).map(([name, value]): [string, unknown] => {
    if (name === "delayUnits") return ["delayMs", Number(value) * ACK_DELAY_UNIT_MS];
    return [name, typeof value === "string" && /^([0-9a-f]{2})+$/.test(value) ? bytesOf(value) : value];
  });
  return Object.fromEntries(entries) as unknown as Frame;
}

function encode(frame: Frame, protect: (bytes: Uint8Array) => Uint8Array): string {
  const isPacket = frame.tag === "data" || frame.tag === "object" || frame.tag === "probe";
  return toHex(
    isPacket ? encodePacket(frame, file.sessionTag, protect) : encodeMessage(frame, file.sessionTag, protect),
  );
}

describe("frozen vectors of the link key", () => {
  it("are of the protocol version that the code speaks", () => {
    expect(file.protocolVersion).toBe(PROTOCOL_VERSION);
  });

  it.each(file.hkdf)("give the bytes of $name, and MACs under the first 32", ({ ikm, salt, info, okm }) => {
    const derived = hkdfSync("sha256", bytesOf(ikm), bytesOf(salt), bytesOf(info), okm.length / 2);
    expect(toHex(new Uint8Array(derived))).toBe(okm);
    const mac = linkKeyOf(bytesOf(ikm)).deriveMac(bytesOf(salt), bytesOf(info));
    const expected = createHmac("sha256", bytesOf(okm).subarray(0, 32)).update(acceptNonce).digest();
    expect(toHex(mac(acceptNonce))).toBe(toHex(expected));
  });

  it.each(file.hmac)("give the MAC of $name", (vector) => {
    const mac = createHmac("sha256", bytesOf(vector.key)).update(bytesOf(vector.octets)).digest("hex");
    expect(mac).toBe(vector.mac);
  });

  it.each(file.keys)("give the key of $use", ({ use, salt, info, okm }) => {
    expect(Number.parseInt(info.slice(-2), 16)).toBe(LinkKeyUse[use]);
    const expected = createHmac("sha256", bytesOf(okm)).update(acceptNonce).digest();
    expect(toHex(key.deriveMac(bytesOf(salt), bytesOf(info))(acceptNonce))).toBe(toHex(expected));
  });

  it.each(file.calls)("give the digest of a call: $name", ({ frameHex, digest }) => {
    const frame = bytesOf(frameHex);
    expect(decodeFrame(frame, undefined).tag).toBe("distress");
    expect(toHex(callDigestOf(frame.subarray(0, -CRC_LENGTH)))).toBe(digest);
  });

  it("answer the first of the calls, and no other", () => {
    const [first, ...others] = file.calls.map(({ digest }) => digest);
    expect(file.identity.callDigest).toBe(first);
    expect(others).not.toContain(first);
    const [offer] = file.handshake;
    const bytes = bytesOf(offer?.frameHex ?? "");
    const proof = linkProofOf(decodeFrame(bytes, undefined) as Message, bytes);
    for (const other of others) {
      const about = { ...identity, callDigest: bytesOf(other) };
      expect(new LinkGuard(key, "target").judge(about, proof)).toBe("wrong");
    }
  });

  it.each(file.handshake)("prove: $name", ({ sender, frame, frameHex }) => {
    const bytes = bytesOf(frameHex);
    const message = frameOf(frame);
    const guard = new LinkGuard(key, sender);
    const protect = { offer: guard.proveOffer(identity), accept: guard.proveAccept(identity) };
    const proving =
      message.tag in protect ? protect[message.tag as keyof typeof protect] : guard.prove(identity);
    expect(encode(message, proving ?? expect.fail("no key"))).toBe(toHex(bytes));

    expect(decodeFrame(bytes, undefined)).toEqual(message);
    const proof = linkProofOf(message as Message, bytes);
    const extra = { offer: callDigest.subarray(0, CALL_NAME_LENGTH), accept: acceptNonce };
    const expected = message.tag in extra ? extra[message.tag as keyof typeof extra] : EMPTY;
    expect(toHex(proof?.extra ?? bytes)).toBe(toHex(expected));
    expect(new LinkGuard(key, other[sender]).judge(identity, proof)).toBe("good");
    expect(new LinkGuard(key, sender).judge(identity, proof)).toBe("wrong");
    expect(new LinkGuard(undefined, other[sender]).judge(identity, proof)).toBe("unasked");
  });

  it.each(["target", "rescuer"] as const)("seal what a %s sends", (sender) => {
    const own = new LinkGuard(key, sender).seal(identity, acceptNonce) ?? expect.fail("no key");
    const peer = new LinkGuard(key, other[sender]).seal(identity, acceptNonce) ?? expect.fail("no key");
    const vectors = file.sealed.filter((vector) => vector.sender === sender);
    expect(vectors.map(({ counter }) => counter)).toEqual(vectors.map((_, i) => i));
    for (const { frame, frameHex } of vectors) {
      const bytes = bytesOf(frameHex);
      expect(encode(frameOf(frame), (covered) => own.seal(covered))).toBe(toHex(bytes));
      expect(decodeFrame(bytes, file.sessionTag, (covered) => peer.open(covered))).toEqual(frameOf(frame));
    }
  });
});
