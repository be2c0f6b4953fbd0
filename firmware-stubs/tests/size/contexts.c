/* What contexts take in RAM: each array has the size of what it is named after. `part_of_` is inside of another one. Compiled
 * only. */
#include "mayday/target.h"

#define TAKES(name, bytes) const uint8_t size_of_##name[bytes] = {0}
#define PART(member) const uint8_t part_of_target_##member[sizeof(((mayday_target *)0)->member)] = {0}

TAKES(board, sizeof(mayday_board));
TAKES(target, sizeof(mayday_target));
TAKES(frame_buffer, MAYDAY_FRAME_ROOM(256));
#if MAYDAY_WITH_FEC
TAKES(held, MAYDAY_CODED_ROOM(256));
#endif

PART(outbox);
PART(calls);
PART(session);
PART(writer);
PART(run_bytes);
PART(walk);
PART(blocks);
#if MAYDAY_WITH_FEC
PART(forms);
PART(hunter);
#endif
