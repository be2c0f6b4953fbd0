/* Takes the frames of the second form out of a stream of bytes, and passes on all others, for runs (PROTOCOL.md 2.5). What begins
 * like such a frame is held until it is one or none; a delimiter is never held at the end of what came unless a whole marker stands
 * before it.
 *
 *   mayday_hunter_take(&hunter, byte, now);
 *   for (mayday_find find; (find = mayday_hunter_look(&hunter)) != MAYDAY_FIND_NOTHING;) {
 *     if (find == MAYDAY_FIND_OTHER) ... hunter.found bytes from hunter.held on
 *     else if (... the CRC of the frame, hunter.frame bytes behind the sync word, is wrong) mayday_hunter_refuse(&hunter);
 *   }
 *
 * A byte that comes mends one codeword at most, unless frames of which all codewords are right have a wrong CRC, or what was held is
 * looked at again: a stream made of nothing but beginnings of frames mends one codeword for each seven bytes. */
#ifndef MAYDAY_FEC_HUNTER_H
#define MAYDAY_FEC_HUNTER_H

#include "fec/coded.h"

typedef struct mayday_hunter {
  uint8_t *held;
  uint16_t room;   /* bytes of `held`; 0: nothing is hunted for */
  uint16_t length; /* bytes that are held */
  uint16_t need;   /* with which the next codeword is whole; 0 before there is a sync word */
  uint16_t found;  /* bytes that were found: they are dropped at the next look */
  uint16_t frame;  /* of which so many are the frame, header to CRC */
  uint16_t mended; /* wrong bytes in the frame, or in the codewords so far */
  uint8_t codewords; /* that are mended */
  bool is_closed;  /* no more bytes come for what is held */
  bool is_refused; /* no frame begins with the first byte */
  mayday_coded coded;
  uint32_t last;   /* when a byte came, ms */
} mayday_hunter;

/* `room`: MAYDAY_CODED_ROOM of the longest payload, or of messages; what would take more is no frame. */
void mayday_hunter_init(mayday_hunter *hunter, uint8_t *held, uint16_t room);

/* Takes one byte; all that there is to find was found before. */
void mayday_hunter_take(mayday_hunter *hunter, uint8_t byte, uint32_t now);

/* The line is silent: what is held is looked at again and passed on, as far as it is no frame. */
void mayday_hunter_close(mayday_hunter *hunter);

typedef enum mayday_find {
  MAYDAY_FIND_NOTHING,
  MAYDAY_FIND_OTHER, /* bytes that are part of no frame of the form */
  MAYDAY_FIND_FRAME  /* codewords and padding are right */
} mayday_find;

mayday_find mayday_hunter_look(mayday_hunter *hunter);

/* The frame that was just found is none: its bytes are looked at again. */
void mayday_hunter_refuse(mayday_hunter *hunter);

#endif
