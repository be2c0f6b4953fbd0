/* The rescuer: hears a neighbour that calls for help, offers it the one image that it holds, and sends what the neighbour asks for
 * (PROTOCOL.md 6.2).
 *
 *   mayday_rescuer_init(&rescuer, &port, &line, &source, &self);
 *   for (;;) {
 *     while (uart_has_byte()) mayday_rescuer_byte(&rescuer, uart_byte());
 *     mayday_rescuer_state state = mayday_rescuer_poll(&rescuer);
 *     if (state == MAYDAY_RESCUER_HEALED) ...
 *   }
 *
 * It says nothing before it has heard a neighbour, and falls silent when it does not hear it any more: a board that starts reads
 * any byte as a key that stops its boot (2.4). A poll hands over at most one frame, and reads at most one block of the image. Of
 * the port it needs `now_ms`, `random`, and `tx` on a byte stream. It has no link key yet: a board that has one refuses. */
#ifndef MAYDAY_RESCUER_H
#define MAYDAY_RESCUER_H

#include "link/mute.h"
#include "link/outgoing.h"
#include "link/sender.h"
#include "mayday/board.h"
#include "mayday/line.h"
#include "wire/runs.h"
#if MAYDAY_WITH_FEC
#include "fec/hunter.h"
#include "link/forms.h"

/* Bytes of the longest message of a target in the second form. */
#define MAYDAY_RESCUER_HELD 168u
#endif

/* Largest payload of a frame that it sends, in bytes: 32 to 4096, a multiple of 32. */
#ifndef MAYDAY_RESCUER_PAYLOAD
#define MAYDAY_RESCUER_PAYLOAD 256
#endif
/* Levels of the tree that it folds to make one hash of a run (7.4), and one more: 1 is enough for images of 16 blocks, 5 for 256
 * blocks, 17 for all. */
#ifndef MAYDAY_RESCUER_FOLDED
#define MAYDAY_RESCUER_FOLDED 5
#endif
/* Offers that may still be accepted: the last one, and those that gave way to it (6.5). */
#ifndef MAYDAY_RESCUER_OFFERS
#define MAYDAY_RESCUER_OFFERS 3
#endif
/* Neighbours that refused, deferred or stood it down, or said that they were healed. One line joins two boards. */
#ifndef MAYDAY_RESCUER_NEIGHBOURS
#define MAYDAY_RESCUER_NEIGHBOURS 4
#endif

#if MAYDAY_RESCUER_PAYLOAD < 32 || MAYDAY_RESCUER_PAYLOAD > 4096 || MAYDAY_RESCUER_PAYLOAD % 32 != 0
#error "MAYDAY_RESCUER_PAYLOAD has to be a multiple of 32, 32 to 4096"
#endif
#if MAYDAY_RESCUER_FOLDED < 1 || MAYDAY_RESCUER_FOLDED > 17
#error "MAYDAY_RESCUER_FOLDED has to be 1 to 17"
#endif
#if MAYDAY_RESCUER_OFFERS < 1 || MAYDAY_RESCUER_OFFERS > 16 || MAYDAY_RESCUER_NEIGHBOURS < 1 || MAYDAY_RESCUER_NEIGHBOURS > 64
#error "MAYDAY_RESCUER_OFFERS has to be 1 to 16, MAYDAY_RESCUER_NEIGHBOURS 1 to 64"
#endif

/* The image that it holds: its own slot, or a file. Constant, and kept by the caller. */
typedef struct mayday_source {
  /* Handed to `read`. */
  void *context;
  /* Reads bytes of the image; all of them lie within it. False ends the session. */
  bool (*read)(void *context, uint32_t offset, uint8_t *bytes, size_t length);
  const uint8_t *envelope; /* 293 to 623 bytes */
  uint16_t envelope_length;
  bool is_signed;
  const mayday_manifest *manifest; /* of this envelope; `is_hardware_right` does not count */
  const uint8_t *hardware_id;      /* 8 bytes: for which vendor and class it is (5.2) */
  /* Optional: SHA-256 of each block as in 7.2, 32 bytes a block. Without it blocks are hashed when a run is asked for: the whole
   * image for the first run of one with more than 16 blocks. */
  const uint8_t *leaves;
} mayday_source;

/* Who it is. Constant, and kept by the caller. */
typedef struct mayday_self {
  const uint8_t *node_id; /* 8 bytes */
  /* Its own board, for its beacon, by mayday_board_status; NULL: it only holds an image for others. */
  const mayday_status *status;
  uint16_t revision;
  /* Offers an unsigned image, too. */
  bool is_unsigned_allowed;
  /* Optional: drops what `tx` took and the UART has not sent yet; called when it falls silent. */
  void (*drop_unsent)(void *port_context);
} mayday_self;

typedef enum mayday_rescuer_state {
  MAYDAY_RESCUER_LISTENING,
  MAYDAY_RESCUER_OFFERING,
  MAYDAY_RESCUER_SERVING,
  MAYDAY_RESCUER_HEALED, /* the last neighbour; stays until another one calls */
  MAYDAY_RESCUER_STOPPED
} mayday_rescuer_state;

/* How the last offer or session ended. */
typedef enum mayday_rescuer_end {
  MAYDAY_END_NONE,       /* there was none */
  MAYDAY_END_HEALED,
  MAYDAY_END_UNSUITABLE, /* the image is not for the board that called; `end_reason`: code of 5.7 that it was told */
  MAYDAY_END_REFUSED,    /* `end_reason`: code of 5.7 */
  MAYDAY_END_DEFERRED,   /* `end_reason`: code of 5.15 */
  MAYDAY_END_STOOD_DOWN, /* another one serves it */
  MAYDAY_END_BYE,        /* `end_reason`: code of 5.8 */
  MAYDAY_END_UNANSWERED, /* nobody took the offer for 5 s */
  MAYDAY_END_SILENT,     /* nothing was heard for 20 s, or it called again */
  MAYDAY_END_NOT_HEARD,  /* the same after all was sent: it may be healed */
  MAYDAY_END_TOO_MUCH,   /* more than eight images were sent (6.5) */
  MAYDAY_END_SOURCE      /* the image could not be read, or the port has no random numbers */
} mayday_rescuer_end;

/* An offer that was not answered yet. */
typedef struct mayday_offered {
  mayday_time until; /* 0: free */
  uint8_t rescuer_nonce[8], target_nonce[8], target_id[8];
} mayday_offered;

/* What is remembered of a neighbour. */
typedef struct mayday_neighbour {
  mayday_time until; /* 0: free */
  uint8_t name[8];   /* boot nonce; node id of one that said it was healed */
  uint8_t what;
} mayday_neighbour;

/* A chunk whose bytes take more than one poll to make. */
typedef struct mayday_making {
  bool is_on;
  uint8_t stage;
  uint8_t value;    /* that all bytes had so far */
  uint16_t age;     /* of its item, by which it is known */
  mayday_chunk chunk;
  uint32_t node;    /* of the run level, that is being hashed */
  uint32_t block;   /* that comes next */
  uint8_t hashes;   /* in the stack */
  mayday_time since;
} mayday_making;

typedef struct mayday_rescuer {
  const mayday_port *port;
  const mayday_line *line;
  const mayday_source *source;
  const mayday_self *self;
  uint32_t leaves;
  uint8_t root_level;
  mayday_rescuer_state state;
  mayday_rescuer_end end;
  uint8_t end_reason;
  uint16_t ends; /* one more with each end */
  /* The clock. */
  mayday_time now;
  uint32_t clock;
  /* The line. */
  mayday_rtt rtt;
  mayday_sizer sizer;
#if MAYDAY_WITH_FEC
  mayday_forms forms;
  mayday_form_sizer form_sizer;
  mayday_hunter hunter;
  uint8_t held[MAYDAY_RESCUER_HELD];
#endif
  mayday_pacer pacer;
  mayday_mute mute;
  mayday_runs runs;
  uint16_t run_seen; /* bytes of the unfinished run that were looked at */
  mayday_outgoing out;
  uint16_t out_bytes; /* of the frame that goes out, on the line */
  bool is_out_packet;
  bool has_worked; /* in this poll */
  uint8_t due; /* messages that wait */
  /* Announcements. */
  uint8_t boot_nonce[8];
  bool is_asked; /* a query came */
  mayday_time answered_at, none_at;
  uint8_t none_nonce[8];
  uint8_t none_reason;
  uint8_t bye_reason;
  /* Offers; `offer` is the one that is repeated. */
  uint8_t offer;
  mayday_time offer_at, offer_sent_at;
  uint8_t offers_said; /* counts to 7 */
  mayday_offered offers[MAYDAY_RESCUER_OFFERS];
  mayday_neighbour neighbours[MAYDAY_RESCUER_NEIGHBOURS];
  /* Bytes that were sent and healed nobody (6.5), at `wasted_at`. */
  uint32_t wasted;
  mayday_time wasted_at;
  /* The session, or the one that healed a board. */
  mayday_offered session;
  uint32_t tag;
  uint32_t past_tags[MAYDAY_PAST_SESSIONS_MAX];
  mayday_time heard_at, later_at;
  mayday_time busy_until;
  uint32_t busy_budget; /* milliseconds that are left (6.5) */
  uint32_t earning;     /* blocks that still add to it */
  uint32_t bytes_sent;
  uint16_t grant_sequence, request_sequence;
  bool has_grant, has_request, is_past_manifest, is_manifest_acked;
  uint8_t open_blocks;
  /* Runs that wait for an item. */
  uint8_t wanted_count;
  uint32_t wanted[16];
  /* The last grant, and which of its blocks, counted through, are done with: sent and acked. */
  uint8_t grant_count, granted;
  uint8_t grant[5u * MAYDAY_GRANT_ENTRIES_MAX];
  uint8_t granted_done[32];
  mayday_making making;
  mayday_sender sender;
  /* Buffers. */
  uint8_t run[130];
  uint8_t message[72];
  uint8_t packet[MAYDAY_OBJECT_HEADER_LENGTH + MAYDAY_RESCUER_PAYLOAD + MAYDAY_CRC_LENGTH];
  uint8_t fold[32u * MAYDAY_RESCUER_FOLDED];
} mayday_rescuer;

/* All that is handed in is kept, not copied. False: the image has larger blocks than MAYDAY_RESCUER_BLOCK_MAX, more of them than
 * MAYDAY_RESCUER_FOLDED allows, or does not fit its manifest; or there are no random numbers. */
bool mayday_rescuer_init(mayday_rescuer *rescuer, const mayday_port *port, const mayday_line *line, const mayday_source *source,
                         const mayday_self *self);

/* Takes a byte of a stream. */
void mayday_rescuer_byte(mayday_rescuer *rescuer, uint8_t byte);

/* Takes a whole frame of a message link (10), which is overwritten. */
void mayday_rescuer_frame(mayday_rescuer *rescuer, uint8_t *frame, size_t length);

/* Does what is due, and hands over what the line takes; returns at once. To be called whenever bytes came, and else every few
 * milliseconds while it serves, every 20 ms while it does not. */
mayday_rescuer_state mayday_rescuer_poll(mayday_rescuer *rescuer);

/* Whether the last poll did something and the next one may do more at once. */
bool mayday_rescuer_is_busy(const mayday_rescuer *rescuer);

/* Gives up: says bye in a session. To be polled then until it is stopped. `reason`: a code of 5.8. */
void mayday_rescuer_stop(mayday_rescuer *rescuer, uint8_t reason);

#endif
