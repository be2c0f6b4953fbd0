/* Holds a rescuer back while its board may be in a boot loader, which takes any byte for a key (PROTOCOL.md 2.4). */
#ifndef MAYDAY_LINK_MUTE_H
#define MAYDAY_LINK_MUTE_H

#include "link/rtt.h"

typedef struct mayday_mute {
  bool is_mute;
  mayday_time heard_at;   /* last valid frame */
  mayday_time byte_at;    /* last byte of any kind */
  mayday_time foreign_at; /* first bytes since then that belong to no valid frame; MAYDAY_NEVER without */
  mayday_time text_at;    /* the same for text */
  /* Longest frames sent since the last valid frame, and in the time before that one. */
  uint16_t sent, sent_before;
} mayday_mute;

void mayday_mute_init(mayday_mute *mute, mayday_time now);

void mayday_mute_byte(mayday_mute *mute, mayday_time now);
/* A valid frame came that is not an own one heard back. */
void mayday_mute_frame(mayday_mute *mute, mayday_time now);
/* What came belongs to no valid frame, or to none yet. */
void mayday_mute_foreign(mayday_mute *mute, mayday_time now, bool is_text);
/* A frame of so many bytes on the line was sent. */
void mayday_mute_sent(mayday_mute *mute, uint16_t bytes);

/* Becomes mute if it is time; true if it just did. */
bool mayday_mute_check(mayday_mute *mute, const mayday_rtt *line, mayday_time now);

#endif
