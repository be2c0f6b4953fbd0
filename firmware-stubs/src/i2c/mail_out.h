/* Frames that wait in a mailbox for the controller (PROTOCOL.md 10.2, 10.4). */
#ifndef MAYDAY_I2C_MAIL_OUT_H
#define MAYDAY_I2C_MAIL_OUT_H

#include "mayday/mailbox.h"

void mayday_mail_out_init(mayday_mail_out *mail, uint8_t *bytes, uint16_t size);

/* From the interrupt. */

/* Bytes of 10.4 that wait. Drops frames first where that was asked for. */
uint16_t mayday_mail_out_waiting(mayday_mail_out *mail);

/* How many of the next `room` bytes, of those that mayday_mail_out_waiting told last, a transaction may carry: no head is split. */
uint16_t mayday_mail_out_fits(const mayday_mail_out *mail, uint16_t room);

uint8_t mayday_mail_out_byte(const mayday_mail_out *mail, uint16_t index);

/* Drops the next `length` bytes: they arrived. False: that is nothing. */
bool mayday_mail_out_advance(mayday_mail_out *mail, uint16_t length);

/* The controller has dropped its part of the first frame. */
void mayday_mail_out_rewind(mayday_mail_out *mail);

/* From the main loop. */

/* False: enough waits (10.5) for transactions of `transaction` bytes, or there is no room. */
bool mayday_mail_out_put(mayday_mail_out *mail, const uint8_t *frame, size_t length, uint16_t transaction);

/* Asks the interrupt to drop all frames that wait now. */
void mayday_mail_out_drop(mayday_mail_out *mail);

#endif
