import { assert } from "../base/assert.ts";
import { equalBytes } from "../base/bytes.ts";
import type { Region } from "../flash/geometry.ts";
import type { Manifest } from "../image/manifest.ts";
import type { BoardParts } from "./board-parts.ts";
import type { BootOutcome } from "./boot.ts";
import { noteGivenUp } from "./given-up.ts";
import { ReceivedImage } from "./received-image.ts";
import { chooseArea, chooseSlot } from "./slot-choice.ts";
import { SlotWriter } from "./slot-writer.ts";
import { closeManifest, storeManifest } from "./stored-manifest.ts";

/** An image whose manifest was accepted. */
export interface IncomingImage {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  readonly manifest: Manifest;
  /** Kept: do not change it afterwards. */
  readonly envelope: Uint8Array;
}

/** Where an image goes: a slot, and the area of its manifest. */
export interface ImagePlace {
  readonly slot: number;
  readonly area: number;
}

/** Chooses the place of an image, and arms what is written to get it there (PROTOCOL.md 13.5). */
export function armPlace({ flash, record }: BoardParts, boot: BootOutcome, digest: Uint8Array): ImagePlace {
  const { map } = flash;
  const slot = chooseSlot(map, record.state, boot.tag === "boot" ? boot.slot : undefined, digest);
  const area = chooseArea(map, record.state);
  assert(area < map.areaCount, "the area exists");
  // The sector of the area, unless it lies in the record's.
  flash.arm(...map.record, ...map.manifests.slice(area, area + 1), slotRegion(flash.map.slots, slot));
  return { slot, area };
}

/** One image on its way into a slot. Nothing in the flash changes before {@link ReceivingSession.begin}. */
export class ReceivingSession implements ImagePlace {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  readonly slot: number;
  readonly area: number;
  readonly writer: SlotWriter;
  readonly #parts: BoardParts;
  readonly #envelope: Uint8Array;
  #isManifestStored = false;
  #isBegun = false;
  #image: ReceivedImage | undefined;

  /** `beforeWrite` is called before each unit of the slot is touched, and has to call {@link ReceivingSession.begin}. */
  constructor(parts: BoardParts, image: IncomingImage, place: ImagePlace, beforeWrite: () => void) {
    const { slots } = parts.flash.map;
    const region = slotRegion(slots, place.slot);
    const others = slots.filter((other) => other !== region);
    this.#parts = parts;
    this.#envelope = image.envelope;
    this.digest = image.digest;
    this.slot = place.slot;
    this.area = place.area;
    this.writer = new SlotWriter(parts, region, others, image.manifest, beforeWrite);
  }

  /** Whether the record says that this image is being received. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** What of the image is there, for neighbours: one object, also after the session. */
  get image(): ReceivedImage {
    this.#image ??= new ReceivedImage(this.#envelope, this.writer);
    return this.#image;
  }

  /** Whether it is of this image, into this place. */
  isOf({ slot, area }: ImagePlace, digest: Uint8Array): boolean {
    return this.slot === slot && this.area === area && equalBytes(this.digest, digest);
  }

  /** Called before the slot changes: makes the record say so, durably (PROTOCOL.md 13.5). */
  begin(boot: BootOutcome): void {
    this.storeManifest();
    const { slot, area, digest } = this;
    const { record, flash } = this.#parts;
    const was = record.state.receiving;
    if (was === undefined || !this.isOf(was, was.digest)) {
      noteGivenUp(this.#parts, boot);
      record.append({ tag: "receiving", receiving: { slot, area, digest } });
    }
    closeManifest(this.#parts, area);
    flash.sync();
    this.#isBegun = true;
  }

  /** Stores the manifest in its area, unless this session did so. */
  storeManifest(): void {
    if (this.#isManifestStored) return;
    storeManifest(this.#parts, this, this.#envelope);
    this.#isManifestStored = true;
  }
}

function slotRegion(slots: readonly Region[], slot: number): Region {
  const region = slots[slot];
  assert(region !== undefined, "the slot exists");
  return region;
}
