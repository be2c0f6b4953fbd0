/* One link: a UART, a TCP connection, or an I2C address, and the memory that a role keeps for it. */
#ifndef MAYDAY_LINE_H
#define MAYDAY_LINE_H

#include "mayday/port.h"

typedef struct mayday_line {
  uint32_t baud;              /* bit/s; 0 where it is unknown, on I2C for instance */
  uint8_t rto_floor_ms;       /* 10 on a native UART, 25 behind USB and on I2C (4.4) */
  bool is_deaf_while_writing; /* bytes that come while flash is erased or programmed are lost */
  /* Message links (10): takes a whole frame; false when there is no room. NULL on byte streams, which use `mayday_port.tx`. */
  bool (*send_frame)(void *context, const uint8_t *frame, size_t length);
  void *context;
  /* A secret of both ends (14), of 16 to 1024 bytes, with MAYDAY_WITH_LINK_KEY; NULL without one. */
  const uint8_t *link_key;
  uint16_t link_key_length;
} mayday_line;

/* Memory of the caller, which a role keeps. */
typedef struct mayday_memory {
  /* Where runs are put together: the largest payload is what fits, 32 to 4096 bytes in steps of 32. */
  uint8_t *frame;
  uint16_t frame_size; /* MAYDAY_FRAME_ROOM(payload) */
  /* A target's block buffers: as many blocks of an image are open as fit, MAYDAY_BLOCK_ROOM(block size) each. No image with
   * larger blocks than fit once is taken. At least MAYDAY_BLOCK_ROOM(1024). */
  uint8_t *blocks;
  uint32_t blocks_size;
#if MAYDAY_WITH_FEC
  /* Where frames of the second form (PROTOCOL.md 2.5) are held until they are whole; without it none is heard, and nothing says so.
   * A message link has none. The largest payload is also what fits here; frames of more than 2048 bytes come in COBS. */
  uint8_t *held;
  uint16_t held_size; /* MAYDAY_CODED_ROOM(payload) */
#endif
} mayday_memory;

/* Bytes around a payload on the line: header, CRC, what COBS adds to less than 254 bytes, a delimiter; with a link key a seal. */
#if MAYDAY_WITH_LINK_KEY
#define MAYDAY_FRAME_AROUND 30u
#else
#define MAYDAY_FRAME_AROUND 18u
#endif

/* Bytes of `frame` for a payload; 130 at least (2.2). */
#define MAYDAY_FRAME_ROOM(payload) \
  ((payload) + MAYDAY_FRAME_AROUND + (payload) / 254u < 130u ? 130u : (payload) + MAYDAY_FRAME_AROUND + (payload) / 254u)

#if MAYDAY_WITH_FEC
/* Bytes of the longest content of a frame in the second form with such a payload: object header, CRC, a seal, 8 bytes of padding. */
#define MAYDAY_CODED_CONTENT(payload) ((payload) > 2016u ? 2049u : (payload) + MAYDAY_CODED_AROUND)
#if MAYDAY_WITH_LINK_KEY
#define MAYDAY_CODED_AROUND 35u
#else
#define MAYDAY_CODED_AROUND 23u
#endif

/* Bytes of `held` for a payload, as sent with the most parity: 2376 at most. At least MAYDAY_CODED_ROOM(64), which all messages need. */
#define MAYDAY_CODED_ROOM(payload) \
  (7u + MAYDAY_CODED_CONTENT(payload) + 32u * ((MAYDAY_CODED_CONTENT(payload) + 222u) / 223u))
#endif

/* Bytes of `blocks` for a block: the block, a bit for each 32 bytes of it, and its hash. */
#define MAYDAY_BLOCK_ROOM(block) ((block) + (block) / 256u + 32u)

#endif
