/* Any bytes in both sectors of a boot record, with entries whose CRC is right among them: read, mended, and booted from. What a
 * board does then keeps the rules of NOR flash. */
#include "small_board.h"

#include "flash/entry.h"
#include "flash/record.h"

static mayday_board board;
static uint8_t scratch[MAYDAY_SCRATCH_BYTES];

/* An entry at its place in a sector, with the sequence number that follows from it, or any bytes. */
static void put(input *in, const mayday_layout *layout, uint32_t *sequence) {
  uint8_t entry[MAYDAY_ENTRY_LENGTH];
  uint8_t how = take8(in);
  const mayday_region *sector = &board.map.record[how & 1u];
  uint32_t place = take8(in);
  for (unsigned i = 0; i < sizeof entry; i++) entry[i] = take8(in);
  if ((how & 2u) != 0) *sequence = place + (how >> 2);
  if ((how & 0x80u) == 0) mayday_entry_finish(entry, (*sequence)++);
  uint32_t at = place * mayday_entry_stride(layout);
  if (at > sector->size || sector->size - at < sizeof entry) return;
  memcpy(small_flash_bytes + sector->offset + at, entry, sizeof entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  input in = {bytes, length};
  mayday_layout layout = small_layout(take8(&in));
  if (!mayday_layout_is_right(&layout)) return 0;
  mayday_port port = small_port(&layout);
  uint32_t sequence = 1;
  mayday_board_open(&board, &port, &layout, &small_identity, scratch);
  uint8_t acts = take8(&in);
  while (in.length > 0) put(&in, &layout, &sequence);
  if ((acts & 8u) != 0) small_flash.fails_in = acts >> 4;
  mayday_board_open(&board, &port, &layout, &small_identity, scratch);
  HOLDS(board.record.state.failed_count <= MAYDAY_FAILED_MAX);
  HOLDS(board.record.state.open.count <= MAYDAY_OPEN_RANGES_MAX);
  if ((acts & 1u) != 0) mayday_board_attempt(&board);
  if ((acts & 2u) != 0) mayday_board_confirm(&board);
  if ((acts & 4u) != 0) mayday_board_take_start(&board);
  mayday_board_open(&board, &port, &layout, &small_identity, scratch);
  HOLDS(small_flash.faults == 0);
  return 0;
}
