import { describe, expect, it } from "vitest";
import { FailedError } from "../../../src/base/errors.ts";
import { flashMap } from "../../../src/flash/geometry.ts";
import { NorFlash } from "../../../src/flash/nor-flash.ts";
import { BootRecord } from "../../../src/flash/record/boot-record.ts";
import { type FlashStorage, MemoryStorage } from "../../../src/flash/storage.ts";

const map = flashMap({ sectorSize: 1024, slotSize: 4096, layout: "single" });

function open(storage: FlashStorage): BootRecord {
  const flash = new NorFlash(storage, map);
  flash.arm(...map.record);
  return new BootRecord(flash);
}

/** A storage in which one write, counted from 0, does nothing, as a worn cell does. */
class Forgetful extends MemoryStorage {
  writes = 0;
  readonly #lost: number;

  constructor(from: MemoryStorage, lost: number) {
    super(map.size, 0xff);
    super.write(0, from.read(0, map.size));
    this.#lost = lost;
  }

  override write(offset: number, bytes: Uint8Array): void {
    // An erase is no program.
    if (bytes.every((byte) => byte === 0xff) || this.writes++ !== this.#lost) super.write(offset, bytes);
  }
}

describe("a fresh sector of the boot record", () => {
  it("that does not read back costs nothing: the event fails, and the record is that of before", () => {
    const before = new MemoryStorage(map.size, 0xff);
    open(before).append({ tag: "floor", floor: 5 });
    const whole = new Forgetful(before, Number.POSITIVE_INFINITY);
    open(whole).append({ tag: "floor", floor: 6 });
    // The snapshot, the header and the seal.
    expect(whole.writes).toBeGreaterThanOrEqual(3);
    for (let lost = 0; lost < whole.writes; lost++) {
      const storage = new Forgetful(before, lost);
      const record = open(storage);
      expect(() => record.append({ tag: "floor", floor: 6 }), `write ${lost}`).toThrow(FailedError);
      expect(record.state.counterFloor).toBe(5);
      expect(open(storage).state.counterFloor, `write ${lost}`).toBe(5);
      // The next try begins the sector again.
      record.append({ tag: "floor", floor: 7 });
      expect(open(storage).state.counterFloor).toBe(7);
    }
  });
});
