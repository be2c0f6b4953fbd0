/* A copy that may be changed, with nothing behind it: a sanitizer or Eva sees each byte that is touched beyond its end. */
#ifndef MAYDAY_TESTS_FUZZ_COPY_H
#define MAYDAY_TESTS_FUZZ_COPY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __FRAMAC__
#define COPY_MAX 4200
static uint8_t copy_memory[COPY_MAX];

static inline uint8_t *copy_of(const uint8_t *bytes, size_t length, size_t room) {
  uint8_t *copy = copy_memory + COPY_MAX - room;
  if (length > 0) memcpy(copy, bytes, length);
  return copy;
}

static inline void copy_drop(uint8_t *copy) {
  (void)copy;
}
#else
static inline uint8_t *copy_of(const uint8_t *bytes, size_t length, size_t room) {
  uint8_t *copy = malloc(room > 0 ? room : 1);
  if (copy == NULL) abort();
  if (length > 0) memcpy(copy, bytes, length);
  return copy;
}

static inline void copy_drop(uint8_t *copy) {
  free(copy);
}
#endif

#endif
