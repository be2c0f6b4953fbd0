/* An application that tells that it runs, and resets the machine when it is asked to. It has no variables. */
#include "../machine.h"
#include "pl011.h"
#include "print.h"

void app_main(void);

void app_main(void) {
  print_text(UART0, "application " APP_VERSION " runs\r\n");
  for (;;) {
    uint8_t byte;
    if (pl011_rx(UART0, &byte, 1) > 0 && byte == 'r') {
      print_text(UART0, "application resets\r\n");
      pl011_flush(UART0);
      machine_reset();
    }
  }
}
