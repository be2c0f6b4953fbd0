import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFirmware } from "../../../src/image/firmware/firmware.ts";
import { elfFile } from "./support.ts";

const dir = mkdtempSync(join(tmpdir(), "mayday-elf-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const at = (name: string): string => join(dir, name);
const run = (line: string): Buffer => execFileSync("bash", ["-euc", line], { cwd: dir, stdio: "pipe" });
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(at(name)));
const readElf = (name: string) => readFirmware("elf", bytesOf(name));

const SOURCE = `
__attribute__((section(".vectors"), used)) const unsigned long vectors[4] = { 0x20001000, 0x101, 0x103, 0x105 };
volatile int data[5] = { 1, 2, 3, 4, 5 };
volatile int zeros[9];
const char text[] = "constant";
int main(void) { zeros[0] = data[1] + text[2]; for (;;) {} }
`;
/** Flash at 0x08000000, and data that is loaded from flash into RAM. Its first segment has pages of 64 KiB, with the header. */
const SCRIPT = `
MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 64K  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 8K }
ENTRY(main)
SECTIONS {
  .text : { KEEP(*(.vectors)) . = ALIGN(256); *(.text*) *(.rodata*) } > FLASH
  .data : { *(.data*) } > RAM AT > FLASH
  .bss : { *(.bss*) *(COMMON) } > RAM
  .noise 0x08008000 : { BYTE(1) BYTE(2) } > FLASH
}
`;
const AVR = `
#include <avr/io.h>
#include <avr/eeprom.h>
EEMEM unsigned char saved[4] = { 1, 2, 3, 4 };
FUSES = { 1, 2, 3 };
int main(void) { for (;;) PORTB ^= saved[0]; }
`;

beforeAll(() => {
  writeFileSync(at("fw.c"), SOURCE);
  writeFileSync(at("fw.ld"), SCRIPT);
  writeFileSync(at("avr.c"), AVR);
  const arm = "arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -nostdlib -g -T fw.ld fw.c";
  run(
    `${arm} -o fw.elf; ${arm} -mbig-endian -o big.elf; ${arm} -Wl,-z,max-page-size=65536 -Wl,-Ttext-segment=0x08000000 -o page.elf`,
  );
  run("arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -c fw.c -o fw.o");
  run("avr-gcc -mmcu=atmega328p -Os avr.c -o avr.elf");
  run("gcc -nostdlib -static -Wl,-e,main -Wl,--build-id=none fw.c -o host64.elf; gcc -o linked.elf fw.c");
  run(
    "gcc -shared -fPIC -Wl,-soname,libfw.so -nostdlib fw.c -o library.so; gcc -static-pie -nostdlib -Wl,-e,main fw.c -o moving.elf",
  );
}, 60_000);

describe("an ELF file", () => {
  it.each(["fw.elf", "big.elf", "page.elf", "host64.elf"])(
    "is read as objcopy -O binary does: %s",
    (name) => {
      const objcopy = name.startsWith("host") ? "objcopy" : "arm-none-eabi-objcopy";
      run(`${objcopy} -O binary --gap-fill 0xff ${name} ${name}.bin`);
      const found = readElf(name);
      expect(found).toMatchObject({ tag: "firmware", format: "elf" });
      expect(found.tag === "firmware" && Buffer.compare(found.bytes, bytesOf(`${name}.bin`))).toBe(0);
      if (!name.startsWith("host")) expect(found).toMatchObject({ base: 0x0800_0000 });
    },
  );

  it.each([
    ["hex", "ihex"],
    ["srec", "srec"],
  ] as const)("is the same as the %s file that objcopy makes of it", (format, target) => {
    run(`arm-none-eabi-objcopy -O ${target} fw.elf fw.${format}`);
    const [elf, other] = [readElf("fw.elf"), readFirmware(format, bytesOf(`fw.${format}`))];
    expect(other).toMatchObject({ base: 0x0800_0000, filling: elf.tag === "firmware" && elf.filling });
    expect(other.tag === "firmware" && elf.tag === "firmware" && other.bytes).toEqual(
      elf.tag === "firmware" && elf.bytes,
    );
  });

  it("of an AVR is refused with its EEPROM and fuses, and read without them", () => {
    const whole = readElf("avr.elf");
    expect(whole).toMatchObject({ fault: "span", detail: expect.stringMatching(/AVR EEPROM.*AVR fuses/) });
    run("avr-objcopy -O binary -R .eeprom -R .fuse avr.elf avr.bin");
    const part = readFirmware("elf", bytesOf("avr.elf"), { only: [{ start: 0, end: 0x8000 }] });
    expect(part).toMatchObject({ base: 0, leftOut: 7, bytes: bytesOf("avr.bin") });
  });

  it("that is not linked, loads libraries or is cut off is refused", () => {
    expect(readElf("fw.o")).toMatchObject({ fault: "unsupported", detail: expect.stringContaining("link") });
    expect(readElf("linked.elf")).toMatchObject({ fault: "unsupported" });
    expect(readElf("library.so")).toMatchObject({
      fault: "unsupported",
      detail: expect.stringContaining("library"),
    });
    const core = readFirmware("elf", elfFile([{ address: 0, data: Uint8Array.of(1) }], 4));
    expect(core).toMatchObject({ fault: "unsupported", detail: expect.stringContaining("core dump") });
    // Firmware that moves itself has a dynamic segment, too.
    expect(readElf("moving.elf")).toMatchObject({ tag: "firmware" });
    run("arm-none-eabi-objcopy --only-keep-debug fw.elf debug.elf");
    expect(readElf("debug.elf")).toMatchObject({ fault: "no-data" });
    const whole = bytesOf("fw.elf");
    for (const length of [5, 20, 51, 60, 4000, whole.length - 1]) {
      expect(readFirmware("elf", whole.subarray(0, length))).toMatchObject({ tag: "fault" });
    }
  });

  it("with segments alone is read by them, and not beyond the file", () => {
    const piece = { address: 0x100, data: Uint8Array.of(1, 2, 3) };
    expect(readFirmware("elf", elfFile([piece]))).toMatchObject({ base: 0x100, bytes: piece.data });
    const cut = elfFile([piece]).slice(0, -1);
    expect(readFirmware("elf", cut)).toMatchObject({ fault: "length" });
    expect(readFirmware("elf", elfFile([]))).toMatchObject({ fault: "no-data" });
    expect(readFirmware("elf", elfFile([piece], 4))).toMatchObject({ fault: "unsupported" });
  });

  it("whose segments all claim the same bytes is refused before it costs anything", () => {
    const data = new Uint8Array(1000);
    const file = elfFile([
      { address: 0, data },
      ...Array.from({ length: 500 }, (_, i) => ({ address: 4096 * i, data: new Uint8Array(0) })),
    ]);
    const view = new DataView(file.buffer);
    for (let i = 1; i <= 500; i++) {
      view.setUint32(52 + 32 * i + 4, view.getUint32(52 + 4, true), true);
      view.setUint32(52 + 32 * i + 16, 1000, true);
    }
    expect(readFirmware("elf", file)).toMatchObject({ fault: "length" });
  });
});
