/* Frames that come in writes to a mailbox (PROTOCOL.md 10.3, 10.4). */
#ifndef MAYDAY_I2C_INBOX_H
#define MAYDAY_I2C_INBOX_H

#include "mayday/mailbox.h"

void mayday_inbox_init(mayday_inbox *inbox, uint8_t *bytes, uint16_t size, uint16_t frame_max);

/* From the interrupt. */

/* Whether a write of `length` bytes has room. */
bool mayday_inbox_has_room(mayday_inbox *inbox, uint16_t length);

/* A controller said hello: the frame that is not whole starts over. */
void mayday_inbox_restart(mayday_inbox *inbox);

/* A counted write begins: one that repeats the newest; one behind a write that is missing; one in which a frame begins. */
void mayday_inbox_begin(mayday_inbox *inbox, bool is_again, bool is_gap, bool is_first);

/* A byte of it. False: no room; nothing was taken. */
bool mayday_inbox_byte(mayday_inbox *inbox, uint8_t byte);

/* From the main loop. */
uint8_t *mayday_inbox_frame(const mayday_inbox *inbox, uint16_t *length);
void mayday_inbox_release(mayday_inbox *inbox);

#endif
