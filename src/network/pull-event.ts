import type { IndexEntry } from "./index-format.ts";

/** What happens in a pull, in order. */
export type PullEvent =
  /** The index is used. `isNew`: it is another one than before. */
  | {
      readonly event: "index";
      readonly counter: number;
      readonly images: number;
      readonly isNew: boolean;
      /** Of the key that signed it, 16 hexadecimal digits. */
      readonly keyId: string | undefined;
    }
  /** An image comes in: `done` of `size` bytes of its file are there. */
  | { readonly event: "pulling"; readonly entry: IndexEntry; readonly done: number; readonly seconds: number }
  /** It is among the images of the folder. `bytes`: received in this pull; `resumedAt`: what was there before. */
  | {
      readonly event: "pulled";
      readonly entry: IndexEntry;
      readonly fileName: string;
      readonly bytes: number;
      readonly resumedAt: number;
      readonly seconds: number;
    }
  /** It is not fetched: `reason` is the code of the error with which it failed before, or why its index makes it useless here. */
  | {
      readonly event: "left-out";
      readonly entry: IndexEntry;
      readonly reason: string;
    }
  /** Something was not used: the index, or with `entry` an image. `isFinal`: nor will it be while the index is the same. */
  | {
      readonly event: "pull-failed";
      readonly entry: IndexEntry | undefined;
      readonly reason: string;
      readonly detail: string;
      readonly isFinal: boolean;
    }
  | { readonly event: "pull-warning"; readonly detail: string };
