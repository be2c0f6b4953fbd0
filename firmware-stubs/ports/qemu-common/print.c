#include "print.h"

#include "pl011.h"

static void print_bytes(uintptr_t uart, const char *text, size_t length) {
  for (size_t sent = 0; sent < length;) sent += pl011_tx(uart, (const uint8_t *)text + sent, length - sent);
}

void print_text(uintptr_t uart, const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  print_bytes(uart, text, length);
}

void print_number(uintptr_t uart, uint32_t number) {
  char digits[10];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + number % 10u);
    number /= 10u;
  } while (number > 0);
  print_bytes(uart, digits + at, sizeof digits - at);
}
