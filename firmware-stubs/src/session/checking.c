#include "session/checking.h"

#include "session/blocks.h"
#include "session/clock.h"
#include "session/objects.h"
#include "session/say.h"
#include "session/walk.h"

/* Comparing this many bytes of flash, or more, is announced with busy: it may take seconds. */
#define LONG_COMPARE_BYTES UINT32_C(0x100000)

uint8_t mayday_manifest_check(mayday_target *target) {
  mayday_session *session = &target->session;
  mayday_manifest manifest;
  mayday_object_buffer *run = &target->run;
  uint32_t room = target->blocks.size, largest = MAYDAY_BLOCK_MAX;
  /* There is room for one of the smallest blocks: mayday_target_init saw to it. */
  while (MAYDAY_BLOCK_ROOM(largest) > room) largest /= 2u;
  uint8_t reason = mayday_board_judge(target->board, target->envelope.bytes, target->envelope.length, session->digest, largest,
                                      &manifest);
  if (reason != 0) {
    mayday_excuse_work(target);
    return mayday_refused(reason);
  }
  bool is_long = manifest.size >= LONG_COMPARE_BYTES;
  if (is_long) mayday_say_busy(target);
  mayday_writer_open(&target->writer, &manifest);
  mayday_blocks_init(&target->blocks, target->blocks.memory, UINT32_C(1) << manifest.block_log2, room);
  mayday_walk_begin(&target->walk, &target->writer, manifest.root);
  mayday_excuse_work(target);
  session->state = MAYDAY_SESSION_RECEIVING;
  session->asked_at = target->now;
  session->run_asked_at = target->now;
  if (!target->walk.is_finished && target->walk.steps[0].level > 0) {
    /* The accept asked for the root's run: it is asked for again only if it stays away, or busy stopped it (5.4). */
    session->is_run_asked = target->asks_run && !is_long;
    session->is_run_named = session->is_run_asked;
    if (run->level != target->walk.steps[0].level) mayday_object_clear(run);
  }
  return mayday_receiving_count(target, 0);
}
