/* Frames that come in writes to a mailbox (PROTOCOL.md 10.3, 10.4). */
#ifndef MAYDAY_I2C_MAIL_IN_H
#define MAYDAY_I2C_MAIL_IN_H

#include "mayday/mailbox.h"

void mayday_mail_in_init(mayday_mail_in *mail, uint8_t *bytes, uint16_t size, uint16_t frame_max);

/* From the interrupt. */

/* Whether a write of `length` bytes has room. */
bool mayday_mail_in_has_room(mayday_mail_in *mail, uint16_t length);

/* A controller said hello: the frame that is not whole starts over. */
void mayday_mail_in_restart(mayday_mail_in *mail);

/* A counted write begins: one that repeats the newest; one behind a write that is missing; one in which a frame begins. */
void mayday_mail_in_begin(mayday_mail_in *mail, bool is_again, bool is_gap, bool is_first);

/* A byte of it. False: no room; nothing was taken. */
bool mayday_mail_in_byte(mayday_mail_in *mail, uint8_t byte);

/* From the main loop. */
uint8_t *mayday_mail_in_frame(const mayday_mail_in *mail, uint16_t *length);
void mayday_mail_in_release(mayday_mail_in *mail);

#endif
