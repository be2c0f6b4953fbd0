/* Frames that wait in a mailbox for the controller (PROTOCOL.md 10.2, 10.4). */
#ifndef MAYDAY_I2C_OUTBOX_H
#define MAYDAY_I2C_OUTBOX_H

#include "mayday/mailbox.h"

void mayday_outbox_init(mayday_outbox *outbox, uint8_t *bytes, uint16_t size);

/* From the interrupt. */

/* Bytes of 10.4 that wait. Drops frames first where that was asked for. */
uint16_t mayday_outbox_waiting(mayday_outbox *outbox);

/* How many of the next `room` bytes, of those that mayday_outbox_waiting told last, a transaction may carry: no head is split. */
uint16_t mayday_outbox_fits(const mayday_outbox *outbox, uint16_t room);

uint8_t mayday_outbox_byte(const mayday_outbox *outbox, uint16_t index);

/* Drops the next `length` bytes: they arrived. False: that is nothing. */
bool mayday_outbox_advance(mayday_outbox *outbox, uint16_t length);

/* The controller has dropped its part of the first frame. */
void mayday_outbox_rewind(mayday_outbox *outbox);

/* From the main loop. */

/* False: enough waits (10.5) for transactions of `transaction` bytes, or there is no room. */
bool mayday_outbox_put(mayday_outbox *outbox, const uint8_t *frame, size_t length, uint16_t transaction);

/* Asks the interrupt to drop all frames that wait now. */
void mayday_outbox_drop(mayday_outbox *outbox);

#endif
