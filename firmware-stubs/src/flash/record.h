/* The boot record: a journal in two sectors that a power cut anywhere leaves as before an event or behind it
 * (PROTOCOL.md 13.2.1). */
#ifndef MAYDAY_FLASH_RECORD_H
#define MAYDAY_FLASH_RECORD_H

#include "flash/entry.h"
#include "flash/record_state.h"

/* Reads the record; changes nothing in flash. */
void mayday_record_read(mayday_board *board);

/* Adds an event, which is durable when this returns true. `digest`: that of the image that it names, or NULL. False: the flash
 * failed. */
bool mayday_record_append(mayday_board *board, uint8_t entry[MAYDAY_ENTRY_LENGTH], const uint8_t *digest);

/* Makes what was read durable, unless this run wrote an event: an entry may read right now and wrong at the next start. Call it
 * before anything is erased that the state before the last event needs. */
bool mayday_record_settle(mayday_board *board);

/* Begins a fresh sector with the state. `without`: an area whose manifest is not copied there. */
bool mayday_record_restart(mayday_board *board, uint8_t without);

/* Where the manifest of an area lies now, with manifests in the record (13.3). False: nowhere. */
bool mayday_record_place(const mayday_board *board, uint8_t area, uint32_t *offset);

/* A blank place for the manifest of an area that no installed image uses, in a sector that this run began. Write there before
 * the event that names the area. */
bool mayday_record_blank_place(mayday_board *board, uint8_t area, uint32_t *offset);

#endif
