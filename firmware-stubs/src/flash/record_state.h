/* What the boot record says (PROTOCOL.md 13.2.2, 13.2.3): its events, and the snapshot that gives a state again. */
#ifndef MAYDAY_FLASH_RECORD_STATE_H
#define MAYDAY_FLASH_RECORD_STATE_H

#include "flash/entry.h"

/* The state of an empty record. */
void mayday_state_init(mayday_record_state *state);

/* Takes an event. `before`: the digest entry before it, for one that names an image. Other entries have no effect. */
void mayday_state_apply(mayday_record_state *state, const uint8_t *entry, const uint8_t *before);

/* The `number`-th event of the snapshot (13.2.4), from 0. Returns the digest of the image that it names, or NULL. False in
 * `is_there`: there are no more. */
const uint8_t *mayday_state_snapshot(const mayday_record_state *state, uint8_t number, uint8_t entry[MAYDAY_ENTRY_LENGTH],
                                     bool *is_there);

#if MAYDAY_WITH_QUARANTINE
/* Failed confirms of an image; NULL for none. */
mayday_failed *mayday_state_failed(mayday_record_state *state, const uint8_t *digest);
#endif

/* Whether an image that is installed, or being received, has its manifest in this area. */
bool mayday_state_names_area(const mayday_record_state *state, uint8_t area);

/* Events; `before` and `digest` as in mayday_record_append. */
void mayday_entry_slot(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t type, uint8_t slot, const mayday_slot_record *record,
                       uint32_t floor);
void mayday_entry_receiving(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint8_t slot, uint8_t area);
/* NULL for none. */
void mayday_entry_sectors(uint8_t entry[MAYDAY_ENTRY_LENGTH], const mayday_sector_range *open,
                          const mayday_sector_range *close);
/* NULL forgets it. */
void mayday_entry_order(uint8_t entry[MAYDAY_ENTRY_LENGTH], const mayday_order *order);
void mayday_entry_nonces(uint8_t entry[MAYDAY_ENTRY_LENGTH], uint32_t starts);

#endif
