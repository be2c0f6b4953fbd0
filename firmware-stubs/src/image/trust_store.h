/* Keys of a board in two sectors of its own (PROTOCOL.md 13.6). */
#ifndef MAYDAY_IMAGE_TRUST_STORE_H
#define MAYDAY_IMAGE_TRUST_STORE_H

#include "mayday/manifest.h"

#define MAYDAY_TRUST_ENTRIES_MAX 8u

/* Reads the store whose sectors begin at `offsets`, in flash with this write unit and erased byte. Returns whether one
 * counts; then up to MAYDAY_TRUST_ENTRIES_MAX keys are in `keys`, and their number in `count`. */
bool mayday_trust_store_read(const mayday_port *port, const uint32_t offsets[2], uint16_t write_unit, uint8_t erased,
                             mayday_key *keys, uint8_t *count);

#endif
