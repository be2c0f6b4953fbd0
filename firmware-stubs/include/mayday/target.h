/* The target: calls for help, takes one image at a time from a rescuer, and ends when the board boots (PROTOCOL.md 6.1).
 *
 *   mayday_board_open(&board, &port, &layout, &identity, blocks);
 *   if (board.decision.failure == 0) boot(...);
 *   mayday_target_init(&target, &board, &line, &memory, false);
 *   for (;;) {
 *     while (uart_has_byte()) mayday_target_byte(&target, uart_byte());
 *     if (mayday_target_poll(&target) == MAYDAY_TARGET_HEALED) boot(...);
 *   }
 *
 * A poll does at most one piece of work with flash: it judges a manifest, compares one hash with what the flash holds, erases a
 * unit and writes a block, or commits. Between polls bytes may wait in a FIFO or a ring: the rescuer sends no more than the target
 * asked for, but its last frames may come while a block is written (see `is_deaf_while_writing`). */
#ifndef MAYDAY_TARGET_H
#define MAYDAY_TARGET_H

#include "board/writer.h"
#if MAYDAY_WITH_FEC
#include "fec/hunter.h"
#include "link/forms.h"
#endif
#include "link/acks.h"
#include "link/outbox.h"
#include "link/rtt.h"
#include "linkkey/handshakes.h"
#include "linkkey/seal.h"
#include "mayday/board.h"
#include "mayday/line.h"
#include "wire/runs.h"

typedef enum mayday_target_state {
  MAYDAY_TARGET_CALLING, /* nobody serves the board */
  MAYDAY_TARGET_SERVED,  /* a session runs */
  MAYDAY_TARGET_HEALED,  /* the board boots, and the rescuer knows it or was told so for 15 s */
  MAYDAY_TARGET_STOPPED  /* by mayday_target_stop */
} mayday_target_state;

/* Why an offer does not fit this end's link key, or the lack of one (14.6). */
typedef enum mayday_key_mismatch {
  MAYDAY_MISMATCH_NONE,
  MAYDAY_MISMATCH_NO_KEY_THERE, /* the rescuer has none */
  MAYDAY_MISMATCH_NO_KEY_HERE,
  MAYDAY_MISMATCH_KEYS_DIFFER
} mayday_key_mismatch;

/* What happened last, for a log or an LED. Reasons are codes of PROTOCOL.md 5.7. */
typedef struct mayday_target_report {
  uint32_t blocks_written, frames_in, frames_bad, sessions;
  uint8_t refused; /* 0: nothing was refused */
  uint8_t none;    /* why a rescuer has nothing for this board (5.16); 0xFF: none said so */
#if MAYDAY_WITH_LINK_KEY
  uint8_t mismatch;            /* mayday_key_mismatch, of the last offer that was refused for it */
  uint32_t frames_unauthentic; /* without a right proof or seal where one has to be */
#endif
} mayday_target_report;

/* Below here everything is private: it stands here so that the caller can own the memory. */

/* Members that many functions use stand first in the structs below: instructions reach those with a short offset. */

/* Milliseconds of the target's clock. It begins at 0, and is set back when it reaches 2^31, with all that were kept of it: what
 * lies more than 12 days back is 0 then (session/clock.c). */
typedef uint32_t mayday_moment;

/* A moment that does not come. */
#define MAYDAY_NO_MOMENT UINT32_MAX

/* An object that is put together (4.6): complete when it has a length and nothing is missing. */
typedef struct mayday_object_buffer {
  uint8_t *bytes;
  uint16_t room, length;
  uint32_t index;
  uint16_t missing; /* chunks of 32 bytes */
  uint8_t kind, level;
  uint8_t here[4]; /* a bit for each chunk */
} mayday_object_buffer;

#define MAYDAY_STEPS_MAX ((MAYDAY_TREE_LEVELS_MAX + 3u) / 4u)

/* A node on the way down the tree, whose run lists its descendants (6.3, "One run, one block"). */
typedef struct mayday_step {
  uint32_t index;
  uint16_t differs; /* a bit for each child that differs and is not done */
  uint8_t level;
  bool is_compared; /* `differs` is known */
  uint8_t hash[32];
} mayday_step;

typedef struct mayday_walk {
  uint8_t depth;      /* steps in use */
  uint8_t child;      /* that is compared next */
  bool has_answer;    /* the buffer holds the right run of the last step, or it is uniform */
  bool is_uniform;    /* all bytes below the last step are `uniform` */
  uint8_t uniform;
  bool is_finished;
  uint32_t cursor;    /* leaves before it are done with */
  uint32_t dirty_first, dirty_end; /* blocks of the unit that is rewritten */
  mayday_step steps[MAYDAY_STEPS_MAX];
} mayday_walk;

typedef enum mayday_block_state { MAYDAY_BLOCK_FREE, MAYDAY_BLOCK_OPEN, MAYDAY_BLOCK_COMPLETE } mayday_block_state;

typedef struct mayday_open_block {
  uint32_t number;
  uint16_t missing; /* chunks of 32 bytes */
  uint8_t state, failures;
} mayday_open_block;

typedef struct mayday_blocks {
  uint8_t *memory;
  uint32_t size;  /* bytes of it */
  uint32_t block; /* bytes of one */
  uint16_t sequence;
  uint8_t max;
  bool is_changed; /* since the last grant */
  mayday_open_block open[MAYDAY_OPEN_BLOCKS_MAX];
} mayday_blocks;

/* When the target says what nobody asked for (2.4, 5.1, 5.2). */
typedef struct mayday_calls {
  mayday_moment started, call_at, answer_at;
  mayday_moment knock_at, knock_until;
  mayday_moment quiet_until, text_since, said_at;
  bool is_answer_due, is_knock_over;
} mayday_calls;

typedef enum mayday_session_state {
  MAYDAY_SESSION_NONE,
  MAYDAY_SESSION_ACCEPTING,
  MAYDAY_SESSION_CHECKING,
  MAYDAY_SESSION_RECEIVING,
  MAYDAY_SESSION_COMMITTING,
  MAYDAY_SESSION_DONE
} mayday_session_state;

typedef struct mayday_session {
  uint8_t state;
  uint8_t open_blocks; /* as the accept says */
  uint8_t said;        /* accepts, or DONE, that were sent; counts to 7 */
  uint8_t wrong;       /* blocks and runs */
  bool is_asked_once;  /* the walk's run was named once, so that its first chunk is a sample (Karn's rule) */
  bool is_run_named;   /* the accept or a request named the walk's run */
  bool is_run_asked;   /* the walk's run was asked for, and is awaited */
  bool is_run_taken;   /* the buffer holds what the walk took, and no other run */
  bool is_writing;     /* what was held back is written (5.9) */
  bool has_work;       /* the last poll did some, and there may be more */
  bool is_slow_writer; /* the last write took long: busy is said before the next one */
  uint16_t requests;   /* sequence of the last request */
  uint16_t longest;    /* frame of this session, in bytes on the line */
  uint32_t later_left; /* milliseconds of the budget (6.5) */
  mayday_moment heard_at, asked_at, run_asked_at, repeat_at, lease_end, right_at, later_until, look_at, held_since, ends_at;
  uint8_t rescuer_id[8], rescuer_nonce[8], digest[8];
#if MAYDAY_WITH_FEC
  bool is_coded;   /* packets come in the second form */
  uint16_t mended; /* wrong bytes in these */
#endif
} mayday_session;

#if MAYDAY_WITH_LINK_KEY
/* With a link key (14). */
typedef struct mayday_guard {
  uint32_t start;  /* the number of this start; 0: there was none to be had, and nothing is said */
  uint32_t nonces; /* that were taken in this start */
  mayday_handshakes handshakes;
  /* Of the session. The target nonce is kept, as the boot nonce may be another one by now (14.3). */
  uint8_t target_nonce[8], accept_nonce[8], call_digest[32];
  mayday_seal seal;
} mayday_guard;
#endif

typedef struct mayday_target {
  bool is_forced;     /* calls although the board boots */
  bool asks_run;      /* accepts ask for the root's run (5.4) */
  bool is_stopped, is_healed;
  uint16_t payload_max;
  uint8_t change_at, past_at; /* places are these modulo the lengths of their rings */
  mayday_session session;
  mayday_moment now;
  mayday_board *board;
  const mayday_port *port;
  const mayday_line *line;
  uint32_t tag;
  uint32_t clock;     /* of the port, at the last look */
  mayday_calls calls;
  mayday_rtt rtt;
  mayday_runs runs;
  mayday_acks acks;
  mayday_target_report report;
  uint32_t chance;    /* state of the jitter */
  uint8_t boot_nonce[8];
  uint32_t past_tags[MAYDAY_PAST_SESSIONS_MAX]; /* a ring */
  mayday_writer writer;
  mayday_object_buffer envelope; /* in the first block buffer */
  mayday_object_buffer run;
  mayday_walk walk;
  mayday_blocks blocks;
  /* When the record last said "receiving" of another image (6.5): a ring, whose oldest one is overwritten next. */
  mayday_moment changes[MAYDAY_CHANGES_MAX];
#if MAYDAY_WITH_LINK_KEY
  mayday_guard guard;
#endif
#if MAYDAY_WITH_FEC
  mayday_forms forms;
  mayday_hunter hunter;
#endif
  mayday_outbox outbox;
  uint8_t run_bytes[MAYDAY_RUN_BYTES_MAX];
} mayday_target;

/* Starts to call. The board was opened; `memory.blocks` is its scratch. `is_forced`: it calls although it boots, for something
 * newer. All that is given stays with the caller, who leaves it alone. With a link key an entry of the boot record is written,
 * and a target that cannot write it says nothing. False: the memory is too small, or the link key is too short or too long, or
 * of no use in a build without MAYDAY_WITH_LINK_KEY. */
bool mayday_target_init(mayday_target *target, mayday_board *board, const mayday_line *line, const mayday_memory *memory,
                        bool is_forced);

/* One byte of the line. No flash is touched. */
void mayday_target_byte(mayday_target *target, uint8_t byte);

/* A whole frame of a message link (10). `frame` is changed. No flash is touched. */
void mayday_target_frame(mayday_target *target, uint8_t *frame, size_t length);

/* The line came up, a hello of an I2C controller for instance (10.3): the board calls at once, and often for ten seconds (5.2). */
void mayday_target_link_up(mayday_target *target);

/* Does what is due, and at most one piece of work. */
mayday_target_state mayday_target_poll(mayday_target *target);

/* Milliseconds for which a poll would find nothing to do unless bytes come; 0 while there is work. */
uint32_t mayday_target_idle_ms(const mayday_target *target);

/* Says bye if a session runs, and nothing more. Poll until `mayday_target_is_quiet`. */
void mayday_target_stop(mayday_target *target);

/* Whether nothing waits for the UART. */
bool mayday_target_is_quiet(const mayday_target *target);

#endif
