/* An application that lies in the slot: tells that it runs, and spoils itself when it is asked to, so that the next start is a
 * distress. It has no variables. */
#include "../machine.h"
#include "pl011.h"
#include "print.h"

#define STACK_END 0x2000a000u

void app_start(void);

__attribute__((section(".vectors"), used)) static const struct {
  uint32_t stack;
  void (*start)(void);
} vectors = {STACK_END, app_start};

void app_start(void) {
  print_text(UART0, "application " APP_VERSION " runs\r\n");
  for (;;) {
    uint8_t byte;
    if (pl011_rx(UART0, &byte, 1) == 0) continue;
    if (byte == 'x') ((volatile uint8_t *)SLOT_BASE)[0x1404] ^= 0xffu;
    if (byte == 'x' || byte == 'r') {
      print_text(UART0, "application resets\r\n");
      pl011_flush(UART0);
      *(volatile uint32_t *)0xe000ed0cu = 0x05fa0004u;
    }
  }
}
