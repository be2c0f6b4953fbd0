import { vectorFile } from "./vector-file.ts";

/** A block by a rule: one value in all of it, or byte i is (start + 5 i + floor(i / 256)) modulo 256. */
export type BlockRule = { readonly start: number } | { readonly fill: number };

/** A frame that one side sends. */
export interface FrameStep {
  readonly from: "target" | "rescuer";
  readonly kind: string;
  readonly frameHex: string;
  /** Sent when a timer fires, whenever that is. */
  readonly by?: "timer";
  /** It does not arrive. */
  readonly lost?: true;
  /** Of an ack: its delay in units of 256 microseconds. */
  readonly delayUnits?: number;
}

/** The rescuer hears the frame of the step with this number. */
export interface HeardStep {
  readonly heard: number;
}

/** A session of `vectors/session-v1.json`; vectors/README.md says what each member means. */
export interface SessionVector {
  readonly name: string;
  readonly target: {
    readonly nodeId: string;
    readonly bootNonce: string;
    readonly vendor: string;
    readonly hardwareClass: string;
    readonly revision: number;
    readonly isImageInstalled: boolean;
    readonly trustedKey: string;
    readonly payloadMax: number;
    readonly openBlocks: number;
    readonly asks: "nothing" | "run";
    readonly slotBefore: readonly BlockRule[];
    readonly isSlotImageAfter: boolean;
    /** It keeps one run, and asks for an upper one again; a target that keeps the hashes of more runs does not. */
    readonly asksAgain: boolean;
  };
  readonly rescuer: { readonly nodeId: string; readonly nonce: string; readonly payload: number };
  readonly image: {
    readonly size: number;
    readonly blockSize: number;
    readonly version: readonly [number, number, number];
    readonly counter: number;
    readonly blocks: readonly BlockRule[];
    readonly digest: string;
    readonly envelope: string;
  };
  readonly steps: readonly (FrameStep | HeardStep)[];
}

/** The sessions of `vectors/session-v1.json`. */
export function sessionVectors(): readonly SessionVector[] {
  return vectorFile<{ readonly sessions: readonly SessionVector[] }>("session-v1.json").sessions;
}

/** The bytes of blocks of an image with this shape, joined. */
export function blocksBytes(
  { size, blockSize }: SessionVector["image"],
  rules: readonly BlockRule[],
): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => {
    const rule = rules[Math.floor(at / blockSize)];
    if (rule === undefined) throw new Error(`no block at ${at}`);
    const i = at % blockSize;
    return "fill" in rule ? rule.fill : (rule.start + 5 * i + Math.floor(i / 256)) & 0xff;
  });
}
