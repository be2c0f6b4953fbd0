import { describe, expect, it } from "vitest";
import { bearsOwnMark, endsInCountdown } from "../../../src/link/listening/own-marks.ts";

const MARKS = [
  ["U-Boot's banner", "\r\n\r\nU-Boot 2023.01+dfsg-2 (Jan 20 2023 - 05:00:00 +0000)\r\n"],
  ["U-Boot SPL's banner", "\r\nU-Boot SPL 2021.04 (Apr 05 2021)\r\n"],
  ["barebox's banner", "\r\n\r\nbarebox 2023.01.0 #1\r\n"],
  ["GRUB's banner", "\r\nGNU GRUB  version 2.06\r\n"],
  ["U-Boot's countdown", "Hit any key to stop autoboot:  2 "],
  ["barebox's countdown", "\r\nHit m for menu or any key to stop autoboot:    3"],
  ["another countdown", "\r\nPress any key to enter setup, booting in 5 s"],
  ["an escape to a menu", "\r\nPress ESC within 3 s for the boot menu\r\n"],
  ["a countdown in words", "\r\nAutobooting in 3 seconds\r\n"],
  ["a login", "\r\nDebian GNU/Linux 12 board ttyS0\r\n\r\nboard login: "],
  ["a password", "root\r\nPassword: "],
  ["a failed login", "\r\nLogin incorrect\r\n"],
  ["U-Boot's prompt", "\r\n=> "],
  ["a root shell", "\r\nroot@board:/# "],
  ["a user's shell", "\r\npi@board:~ $ "],
  ["an ash", "\r\n/ # "],
  ["a command prompt", "\r\nC:\\>"],
  ["an initramfs", "\r\n(initramfs) "],
  ["a Python", "\r\n>>> "],
  ["an echo of control characters", "^@^P^A4r"],
  ["a shell that does not know a command", "bash: xyz: command not found\r\n"],
  ["a boot loader that does not know a command", "Unknown command 'xyz' - try 'help'\r\n"],
] as const;

const NO_MARKS = [
  ["a kernel line", "[    1.234567] usb 1-1: new high-speed USB device number 2 using dwc2\r\n"],
  ["a service's line", "Starting nginx: OK\r\n"],
  ["an ESP's boot log", "ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13\r\n"],
  ["a sentence of a GPS", "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"],
  ["a percentage in a line", "loading 45% of the image\r\n"],
] as const;

describe("the marks of boot loaders and shells", () => {
  it.each(MARKS)("are recognised: %s", (_name, text) => {
    expect(bearsOwnMark(text, true)).toBe(true);
  });

  it.each(NO_MARKS)("are not seen in other text: %s", (_name, text) => {
    expect(bearsOwnMark(text, true)).toBe(false);
  });

  it("are no prompts while the line still comes", () => {
    expect(bearsOwnMark("\r\nloading 45%", false)).toBe(false);
    expect(bearsOwnMark("\r\nloading 45%", true)).toBe(true);
    expect(bearsOwnMark("\r\nHit any key to stop autoboot:  2", false)).toBe(true);
  });

  it.each(["\b\b\b 1 ", "\b\b\b 0 ", "\b\b 9", "\b\b\b10 "])("are the numbers of a countdown: %j", (text) => {
    expect(endsInCountdown(text)).toBe(true);
  });

  it.each(["\b \b", "1 2 3 ", "\b\b\b 1 x"])("are no other corrections of a line: %j", (text) => {
    expect(endsInCountdown(text)).toBe(false);
  });
});
