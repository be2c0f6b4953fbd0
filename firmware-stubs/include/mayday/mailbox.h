/* The peripheral's side of an I2C mailbox (PROTOCOL.md 10), between the interrupt of the I2C hardware and the main loop.
 *
 * From the interrupt, as the bus calls for it:        From the main loop:
 *   address with write:  mayday_mailbox_write_begin     mayday_mailbox_is_up     once in each turn of the loop
 *   a byte came:         mayday_mailbox_write_byte      mayday_mailbox_frame     the next whole frame that came
 *   address with read:   mayday_mailbox_read_begin      mayday_mailbox_release   done with that frame
 *   a byte is wanted:    mayday_mailbox_read_byte       mayday_mailbox_send      a frame for the controller
 *   STOP or START:       mayday_mailbox_end             mayday_mailbox_set_busy  frames are refused for a while
 *
 * All answers come from memory at once: no clock is stretched, no flash is touched. The two sides share single bytes only, each
 * written by one of them, so neither has to be locked out; main loop and interrupt have to run on the same core. Without an
 * interrupt, call everything from the main loop. */
#ifndef MAYDAY_MAILBOX_H
#define MAYDAY_MAILBOX_H

#include "mayday/constants.h"
#include "mayday/port.h"

/* Keeps the compiler from moving accesses to memory from one side of it to the other. */
#ifndef MAYDAY_BARRIER
#if defined(__GNUC__)
#define MAYDAY_BARRIER() __asm__ volatile("" ::: "memory")
#else
#error "MAYDAY_BARRIER has to be defined for this compiler"
#endif
#endif

/* Shortest and longest limit of transactions, in bytes (10.1). */
#define MAYDAY_TRANSACTION_MIN 32u
#define MAYDAY_TRANSACTION_MAX 8192u

/* Bytes of `in`: one frame that is not whole and a transaction, and the room behind them that keeps frames in one piece. More
 * lets frames wait while the main loop is elsewhere. `frame_max`: as below. */
#define MAYDAY_MAILBOX_IN_ROOM(transaction, frame_max) ((transaction) + 2u * ((frame_max) + 2u))

/* Least bytes of `out`: the longest message of a target (114 bytes with a link key) and its head. */
#define MAYDAY_MAILBOX_OUT_MIN 117u

/* Memory of the caller, which the mailbox keeps. */
typedef struct mayday_mailbox_memory {
  uint8_t *in;
  uint16_t in_size;
  /* Frames for the controller, 3 bytes more each. 384 are enough for a target. */
  uint8_t *out;
  uint16_t out_size;
  /* Longest frame taken, in bytes: largest payload + 15, + 27 with a link key, 96 at least. Longer ones are dropped. */
  uint16_t frame_max;
  /* Longest transaction, in bytes: 32 to 8192, what the hardware can do. */
  uint16_t transaction_max;
} mayday_mailbox_memory;

/* Frames that come (10.4). A frame stands in `bytes` behind its length, in one piece: one that begins before `ring` may end
 * behind it, and its place is counted as if it ended at the ring's start. */
typedef struct mayday_mail_in {
  uint8_t *bytes;
  uint16_t ring, frame_max;
  /* Of the interrupt. */
  uint16_t at, used;          /* where the next frame goes; bytes of frames that the main loop has not released */
  uint16_t oldest;            /* the oldest of those */
  uint16_t length, have;      /* of the frame that is not whole; length 0: none */
  uint16_t length_before, have_before; /* the same before the newest write */
  uint16_t completed, skip;   /* frames that the newest write completed; how many of these its repetition still skips */
  uint8_t head[3], head_have;
  bool is_unreadable;         /* the rest of this write */
  bool has_gap;               /* bytes of the frame were overwritten, which was delivered before */
  uint8_t freed;
  /* Of the main loop. */
  uint16_t next;
  /* Shared: frames that came, and that were released. */
  volatile uint8_t in, out;
} mayday_mail_in;

/* Frames that wait for the controller, in a ring, each behind its three bytes of 10.4. */
typedef struct mayday_mail_out {
  uint8_t *bytes;
  uint16_t size;
  /* Of the interrupt. */
  uint16_t first, offset; /* the first frame; bytes of it that were acknowledged, with its head */
  uint16_t waiting;       /* bytes behind that */
  uint16_t last;          /* end of the frames that are counted in `waiting` */
  uint8_t counted, dropped;
  /* Of the main loop. */
  uint16_t end, oldest, used;
  uint8_t freed;
  /* Shared: frames that were put in, and that are gone; up to where frames are to be dropped, and how often that was asked. */
  volatile uint8_t in, out, drop_to, drops;
} mayday_mail_out;

typedef struct mayday_mailbox {
  mayday_mail_in mail_in;
  mayday_mail_out mail_out;
  /* Of the interrupt. */
  uint16_t limit, controller_limit; /* bytes of a transaction */
  uint16_t index, body, given;      /* within this transaction */
  uint16_t offered;                 /* bytes of frames in the newest read */
  uint8_t first[5];                 /* a hello that comes, or the status that goes */
  uint8_t doing, turn, number;
  /* Of the main loop. */
  uint32_t heard_at;
  bool is_up;
  /* Shared. */
  volatile uint8_t state, is_busy, was_heard, hold_units;
} mayday_mailbox;

/* False: the memory is too small, or the limit is none of 10.1. Before the interrupt is switched on. */
bool mayday_mailbox_init(mayday_mailbox *mailbox, const mayday_mailbox_memory *memory, uint32_t now_ms);

/* From the interrupt. */

/* The address came with a write. */
void mayday_mailbox_write_begin(mayday_mailbox *mailbox);

/* A byte of a write. False: neither this byte nor a later one of this write is to be acknowledged (hardware that decides on the
 * next byte does so from there): the peripheral is busy or has no room, and the write comes again. */
bool mayday_mailbox_write_byte(mayday_mailbox *mailbox, uint8_t byte);

/* The address came with a read. `length`: bytes that will be read, where that is known; else 0. */
void mayday_mailbox_read_begin(mayday_mailbox *mailbox, uint16_t length);

/* The next byte of a read; 0xFF beyond what waits. */
uint8_t mayday_mailbox_read_byte(mayday_mailbox *mailbox);

/* The transaction is over. `unsent`: bytes that the hardware was given and the controller did not read, 1 where it fetches a byte
 * ahead. A wrong number here loses or doubles bytes of frames. */
void mayday_mailbox_end(mayday_mailbox *mailbox, uint16_t unsent);

/* Whole transactions, for hardware with DMA or a simulator. False: not acknowledged. */
bool mayday_mailbox_write(mayday_mailbox *mailbox, const uint8_t *bytes, uint16_t length);
void mayday_mailbox_read(mayday_mailbox *mailbox, uint8_t *bytes, uint16_t length);

/* From the main loop. */

/* Whether a controller greeted and was heard in the last 5 s (10.3). When it was not, frames that wait are dropped; do not send
 * until it is up again. `now_ms` wraps. */
bool mayday_mailbox_is_up(mayday_mailbox *mailbox, uint32_t now_ms);

/* The oldest whole frame that came, until mayday_mailbox_release; NULL: none. It may be written to. */
uint8_t *mayday_mailbox_frame(mayday_mailbox *mailbox, uint16_t *length);
void mayday_mailbox_release(mayday_mailbox *mailbox);

/* Queues a frame for the controller. False: enough waits (10.5), or there is no room. Then keep of each kind of message only
 * the newest, and try again after the next turn of the main loop. */
bool mayday_mailbox_send(mayday_mailbox *mailbox, const uint8_t *frame, size_t length);

/* While busy, frames are refused, and the status says so; reads and acknowledgements still work (10.2). To be set before work
 * that keeps the main loop from taking frames, and reset behind it. */
void mayday_mailbox_set_busy(mayday_mailbox *mailbox, bool is_busy);

#endif
