/* What a writer says of its slot, which holds anything. */
#ifndef MAYDAY_TESTS_EVA_ANY_WRITER_H
#define MAYDAY_TESTS_EVA_ANY_WRITER_H

#include "any.h"

#include "board/writer.h"

bool mayday_writer_has(mayday_writer *writer, uint8_t level, uint32_t index, const uint8_t hash[32]) {
  (void)writer;
  (void)level;
  (void)index;
  //@ assert \valid_read(hash + (0 .. 31));
  (void)hash;
  return any_bool();
}

void mayday_writer_unit(const mayday_writer *writer, uint32_t block, uint32_t *first, uint32_t *end) {
  (void)writer;
  (void)block;
  *first = any32();
  *end = any32();
}

bool mayday_writer_is_touched(const mayday_writer *writer, uint32_t block) {
  (void)writer;
  (void)block;
  return any_bool();
}

#endif
