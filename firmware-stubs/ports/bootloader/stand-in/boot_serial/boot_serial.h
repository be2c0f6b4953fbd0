/* Stands in for MCUboot's header of this name: what ports/bootloader uses of it. */
#ifndef STAND_IN_BOOT_SERIAL_H
#define STAND_IN_BOOT_SERIAL_H

struct boot_uart_funcs {
  int (*read)(char *str, int cnt, int *newline);
  void (*write)(const char *ptr, int cnt);
};

#endif
