import type { FlashGeometry } from "../../src/flash/geometry.ts";

const KIB = 1024;

/** The flash of an STM32F407 of 1 MiB: 32 KiB for recovery, and the manifests in the record's sectors. */
export const STM32F4: FlashGeometry = {
  sectors: [
    { count: 4, size: 16 * KIB },
    { count: 1, size: 64 * KIB },
    { count: 7, size: 128 * KIB },
  ],
  slotSize: 960 * KIB,
  layout: "single",
  recoverySize: 32 * KIB,
  manifests: "record",
};
