/* Which of the two sizers of a line cuts the packets of a session: in COBS only, or with the choice of a form. */
#ifndef MAYDAY_LINK_SENDER_SIZES_H
#define MAYDAY_LINK_SENDER_SIZES_H

#include "link/sender.h"

/* Bytes on the line of a packet in COBS beyond its payload. */
#define MAYDAY_COBS_OVERHEAD 10u

/* The usual payload. */
static inline uint16_t mayday_payload_of(const mayday_sender *sender) {
#if MAYDAY_WITH_FEC
  if (sender->forms != NULL) return sender->forms->payload;
#endif
  return sender->sizer->payload;
}

/* Cuts the next chunk from a stretch of so many bytes. */
static inline void mayday_cut_chunk(mayday_sender *sender, uint32_t bytes, mayday_chunk *out) {
#if MAYDAY_WITH_FEC
  out->mendable = 0;
  if (sender->forms != NULL) {
    out->length = mayday_form_sizer_cut(sender->forms, bytes, &out->mendable);
    return;
  }
#endif
  out->length = mayday_sizer_cut(sender->sizer, bytes);
}

/* What became of a packet. */
static inline void mayday_settle_size(mayday_sender *sender, const mayday_sent *packet, bool is_lost) {
  const uint16_t payload = (uint16_t)((uint32_t)packet->count * MAYDAY_CHUNK_UNIT);
#if MAYDAY_WITH_FEC
  if (sender->forms != NULL) {
    mayday_form_sizer_settle(sender->forms, payload, packet->mendable, is_lost);
    if (!is_lost && packet->mendable != 0) sender->arrived += mayday_form_sizer_line(payload, packet->mendable);
    return;
  }
#endif
  mayday_sizer_settle(sender->sizer, (uint16_t)(payload + MAYDAY_COBS_OVERHEAD), is_lost);
}

#endif
