/* Text on the line, for people. Between sessions only: it shares the line with frames (PROTOCOL.md 2.3). */
#ifndef MAYDAY_PORTS_PRINT_H
#define MAYDAY_PORTS_PRINT_H

#include <stdint.h>

void print_text(uintptr_t uart, const char *text);
void print_number(uintptr_t uart, uint32_t number);

#endif
