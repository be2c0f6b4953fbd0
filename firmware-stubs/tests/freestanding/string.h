/* All that mayday uses of libc, for a compiler that comes without one (rv32imac in scripts/firmware/cross.mjs). */
#ifndef MAYDAY_TESTS_STRING_H
#define MAYDAY_TESTS_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *a, const void *b, size_t length);

#endif
