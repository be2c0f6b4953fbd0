/* Frames of the second form: sync word and codewords (PROTOCOL.md 2.5). */
#ifndef MAYDAY_FEC_CODED_H
#define MAYDAY_FEC_CODED_H

#include "fec/reed_solomon.h"

#include <stdbool.h>
#include <stddef.h>

/* Longest frame, header to CRC, that fits the form: one byte of padding stays. */
#define MAYDAY_CODED_FRAME_MAX (MAYDAY_CONTENT_MAX - 1u)

/* Wrong bytes that each codeword of anything but data may have. */
#define MAYDAY_CONTROL_MENDABLE 8u

/* How the codewords lie on the line. */
typedef struct mayday_coded {
  uint16_t content; /* bytes without parity */
  uint8_t mendable; /* wrong bytes that each codeword may have: t, 1 to 16 */
} mayday_coded;

/* For a frame of so many bytes, MAYDAY_CODED_FRAME_MAX at most. */
mayday_coded mayday_coded_for(size_t length, uint8_t mendable);

/* What the three bytes behind the marker name; false when they name nothing. */
bool mayday_coded_read(const uint8_t name[3], mayday_coded *out);

/* Codewords, as few as hold the content: 1 to 10. */
uint8_t mayday_coded_count(const mayday_coded *coded);

/* Bytes of content in the codeword `index`. */
uint8_t mayday_coded_part(const mayday_coded *coded, uint8_t index);

/* Bytes on the line, 2376 at most. */
uint16_t mayday_coded_length(const mayday_coded *coded);

/* Whether a marker may begin with these bytes, of which `length` are there: up to three wrong bits, two in the first byte. */
bool mayday_may_be_marker(const uint8_t *bytes, size_t length);

/* Makes a frame's bytes for the line one by one, so that no second buffer is needed. */
typedef struct mayday_coder {
  const uint8_t *frame; /* stays as it is until the last byte was taken */
  uint16_t length;
  uint16_t at;       /* bytes of the content that were taken */
  uint8_t head;      /* bytes of the sync word that were taken */
  uint8_t codeword;  /* that is being taken */
  uint8_t left;      /* bytes of its part that were not taken */
  uint8_t from;      /* bytes of its parity that were taken */
  mayday_coded coded;
  uint8_t sync[MAYDAY_SYNC_LENGTH];
  mayday_parity parity;
} mayday_coder;

/* `length`: of the frame with its CRC, MAYDAY_CODED_FRAME_MAX at most. */
void mayday_coder_begin(mayday_coder *coder, const uint8_t *frame, size_t length, uint8_t mendable);

/* The next byte; false: there is none. */
bool mayday_coder_next(mayday_coder *coder, uint8_t *byte);

#endif
