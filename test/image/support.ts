import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { fromHex } from "../../src/base/bytes.ts";
import { MaydayError } from "../../src/base/errors.ts";
import { fileCrc, IMAGE_HEADER_LENGTH } from "../../src/image/image-header.ts";
import type { SigningKey } from "../../src/image/keys.ts";
import type { ImageFields } from "../../src/image/manifest.ts";
import { signingKeyFromPem } from "../../src/image-files/pem-keys.ts";

export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8")) as T;
}

/** The bytes of hexadecimal text; `"name: 0011"` lines are joined without their names. */
export function unhex(...lines: readonly string[]): Uint8Array {
  const bytes = fromHex(lines.map((line) => line.replace(/^.*: /, "")).join(""));
  if (bytes === undefined) throw new Error(`not hexadecimal: ${lines.join()}`);
  return bytes;
}

/** The image of the frozen vectors, see image-tree.json. */
export function vectorData(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => ((i * 7 + 3) & 0xff) ^ ((i >>> 8) & 0xff));
}

export interface ManifestVectors {
  readonly privatePem: string;
  readonly publicPem: string;
  readonly publicKey: string;
  readonly keyId: string;
  readonly manifests: readonly {
    readonly fields: Omit<ImageFields, "version" | "rollout" | "role" | "confirm"> & {
      readonly version: readonly [number, number, number];
      readonly rings: number;
      readonly seed: number;
      readonly size: number;
      readonly blockSize: number;
      readonly role: "app" | "recovery";
      readonly confirm: "on-verify" | "by-app";
    };
    readonly payload: readonly string[];
    readonly digest: string;
    readonly hardwareId: string;
    readonly signedBefore: readonly string[];
    readonly signedAfter: readonly string[];
    readonly unsignedBefore: readonly string[];
  }[];
}

export const manifestVectors: ManifestVectors = readVectors<ManifestVectors>("image-manifest");
/** The key of the frozen vectors. */
export const vectorKey: SigningKey = signingKeyFromPem(manifestVectors.privatePem);

export const plainFields: ImageFields = {
  vendor: "acme",
  hardwareClass: "pump-7",
  version: { major: 1, minor: 2, patch: 3 },
};

/** An image file with bytes changed, and the CRCs of header and manifest made right again. */
export function resealed(bytes: Uint8Array, change: (copy: Uint8Array, view: DataView) => void): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const view = new DataView(copy.buffer);
  change(copy, view);
  const envelopeLength = view.getUint16(10, true);
  const envelope = copy.subarray(IMAGE_HEADER_LENGTH, IMAGE_HEADER_LENGTH + envelopeLength);
  view.setUint32(16, fileCrc(envelope), true);
  view.setUint32(20, fileCrc(copy.subarray(0, 20)), true);
  return copy;
}

/** A directory that goes away after the tests of the file. */
export function scratchDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "mayday-image-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The MaydayError that `run` throws or rejects with; what else it does is an error. */
export async function errorOf(run: () => unknown): Promise<MaydayError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof MaydayError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** Code of the MaydayError that `run` throws or rejects with; what else it does is an error. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof MaydayError) return error.code;
    throw error;
  }
  return "no error";
}
