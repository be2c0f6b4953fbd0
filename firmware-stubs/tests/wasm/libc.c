#include "libc.h"

#include <string.h>

#define FEW 16u

void *memcpy(void *to, const void *from, size_t length) {
  uint8_t *out = to;
  const uint8_t *in = from;
  /* One instruction, which costs more than a few bytes. */
  if (length > FEW) return __builtin_memcpy(to, from, length);
  for (size_t i = 0; i < length; i++) out[i] = in[i];
  return to;
}

void *memmove(void *to, const void *from, size_t length) {
  uint8_t *out = to;
  const uint8_t *in = from;
  if (out < in) return memcpy(to, from, length);
  while (length-- > 0) out[length] = in[length];
  return to;
}

void *memset(void *to, int value, size_t length) {
  uint8_t *out = to;
  for (size_t i = 0; i < length; i++) out[i] = (uint8_t)value;
  return to;
}

int memcmp(const void *a, const void *b, size_t length) {
  const uint8_t *left = a, *right = b;
  for (size_t i = 0; i < length; i++)
    if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
  return 0;
}
