import { BoundedMap } from "../base/bounded-map.ts";
import { toHex } from "../base/bytes.ts";
import { formatHardware } from "../image/hardware.ts";
import type { Repository } from "../image/repository.ts";
import type { Beacon } from "../wire/messages.ts";
import type { NodeEvent } from "./node-event.ts";

/** Most boards whose hardware is remembered. */
const BOARDS_MAX = 256;

/**
 * Names the hardware of boards in events. A beacon carries a hash of the name (PROTOCOL.md 5.2), so a board can be named only
 * after the images that are here: what anybody says on the wire never becomes a name.
 */
export class BoardNames {
  readonly #images: Pick<Repository, "hardwareOf">;
  /** Hardware ids by node id, in hexadecimal. */
  readonly #heard: BoundedMap<string, Uint8Array> = new BoundedMap(BOARDS_MAX);

  constructor(images: Pick<Repository, "hardwareOf">) {
    this.#images = images;
  }

  /** Takes in every beacon. Copies what it keeps. */
  note({ nodeId, hardwareId, isProvider }: Beacon): void {
    if (!isProvider) this.#heard.set(toHex(nodeId), hardwareId.slice());
  }

  /** The event, with the hardware of its board where that is known. */
  named(event: NodeEvent): NodeEvent {
    if (!("peer" in event) || event.peer === undefined || event.hardware !== undefined) return event;
    const id = this.#heard.get(event.peer);
    const hardware = id && this.#images.hardwareOf?.(id);
    return hardware === undefined ? event : { ...event, hardware: formatHardware(hardware) };
  }
}
