/* Form and payload of the next packet for a peer that hears both forms: what promises the most payload per byte of line at the rates
 * of damage that earlier packets have shown (PROTOCOL.md 2.5). Without floating point. */
#ifndef MAYDAY_LINK_FORM_SIZER_H
#define MAYDAY_LINK_FORM_SIZER_H

#include "link/damage.h"

typedef struct mayday_form_sizer {
  mayday_damage damage;
  uint32_t wire_max;   /* longest frame of the second form, by its time on the line */
  uint16_t payload_max;
  uint16_t payload;    /* what was chosen */
  uint8_t mendable;    /* wrong bytes that each codeword may have; 0: COBS */
  uint8_t until_trial; /* packets in COBS until something else is tried */
  bool is_coded_trial; /* the second form is tried next, where the line is bad */
  bool is_old;         /* the rates have changed since it was chosen */
} mayday_form_sizer;

void mayday_form_sizer_init(mayday_form_sizer *sizer);

/* A session begins: largest payload in bytes, 32 at least, and bytes that the line takes in 2 s, 0 without a rate. */
void mayday_form_sizer_limit(mayday_form_sizer *sizer, uint16_t payload_max, uint32_t wire_max);

/* Chooses again if the rates have changed. About 2 ms on a Cortex-M3 of 72 MHz with payloads of up to 256 bytes. */
void mayday_form_sizer_choose(mayday_form_sizer *sizer);

/* Bytes to take from a stretch of `available`, 1 to 65536, and the form. */
uint16_t mayday_form_sizer_cut(mayday_form_sizer *sizer, uint32_t available, uint8_t *mendable);

/* What became of a packet with so many bytes of payload in this form. What arrived in the second form is told by `mended`. */
void mayday_form_sizer_settle(mayday_form_sizer *sizer, uint16_t payload, uint8_t mendable, bool is_lost);

/* Packets of the second form with so many bytes on the line arrived, of which so many were wrong. */
void mayday_form_sizer_mended(mayday_form_sizer *sizer, uint32_t bytes, uint16_t wrong);

/* Bytes on the line of a packet with so much payload, in the second form. */
uint16_t mayday_form_sizer_line(uint16_t payload, uint8_t mendable);

#endif
