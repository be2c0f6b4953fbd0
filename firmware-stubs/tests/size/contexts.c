/* What contexts take in RAM: each array has the size of its name. Compiled only. */
#include "mayday/target.h"

#define TAKES(name, type) const uint8_t size_of_##name[sizeof(type)] = {0}

TAKES(mayday_board, mayday_board);
TAKES(mayday_target, mayday_target);
const uint8_t size_of_frame_buffer[MAYDAY_FRAME_ROOM(256)] = {0};
