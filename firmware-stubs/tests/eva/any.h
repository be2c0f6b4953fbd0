/* Values of which Eva knows nothing. */
#ifndef MAYDAY_TESTS_EVA_ANY_H
#define MAYDAY_TESTS_EVA_ANY_H

#include "__fc_builtin.h"
#include "mayday/board.h"

#include <string.h>

static inline uint8_t any8(void) {
  return Frama_C_unsigned_char_interval(0, 255);
}

static inline uint32_t any32(void) {
  return Frama_C_unsigned_int_interval(0, UINT32_MAX);
}

static inline bool any_bool(void) {
  return Frama_C_interval(0, 1) == 1;
}

static inline void make_any(void *to, size_t length) {
  Frama_C_make_unknown(to, length);
}

/* A flash that reads as anything, or fails; a port's functions that do nothing. */
static inline bool any_read(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  (void)context;
  (void)offset;
  if (length > 0) make_any((char *)bytes, length);
  return any_bool();
}

static inline bool any_erase(void *context, uint32_t offset, uint32_t length) {
  (void)context;
  (void)offset;
  (void)length;
  return any_bool();
}

/* All that is programmed is there to be read. */
static inline bool any_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  (void)context;
  (void)offset;
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  return any_bool();
}

/* A hash of which only the memory counts that it touches. */
static inline void any_begin(mayday_hash_state *state) {
  state->align = 0;
}

static inline void any_add(mayday_hash_state *state, const uint8_t *bytes, size_t length) {
  state->align += length;
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
}

static inline void any_end(mayday_hash_state *state, uint8_t digest[32]) {
  (void)state;
  make_any((char *)digest, 32);
}

static const mayday_hash any_hash = {any_begin, any_add, any_end};

#endif
