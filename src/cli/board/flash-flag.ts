import { resolve } from "node:path";
import { UsageError } from "../../base/errors.ts";
import type { BoardConfig } from "../../board/board-config.ts";
import { type FlashDevice, flashDeviceText } from "../../flash/device/flash-device.ts";
import { parseSize } from "../parse.ts";

/** "file:PATH", "block:PATH" or "mtd:PATH", with "?offset=1M" for a later start. `bad-flash`, `bad-size`. */
export function parseFlashDevice(text: string): FlashDevice {
  const match = /^(file|block|mtd):([^\0]+?)(?:\?offset=([^?]*))?$/s.exec(text);
  const [, kind, path = "", offset] = match ?? [];
  if (kind !== "file" && kind !== "block" && kind !== "mtd") {
    const message = `"${text}" is not a flash: give file:PATH, block:/dev/… or mtd:/dev/mtdN, with ?offset=1M for a later start`;
    throw new UsageError("bad-flash", message);
  }
  const isStart = offset === undefined || offset === "0";
  return { kind, path: resolve(path), offset: isStart ? 0 : parseSize(offset) };
}

/** The location of a board's flash, for people. */
export function flashText(flash: BoardConfig["flash"]): string {
  return typeof flash === "string" ? flash : flashDeviceText(flash);
}
