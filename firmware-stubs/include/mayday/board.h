/* A board: what its flash holds, which image it boots, and what it accepts (PROTOCOL.md 8.4, 13). */
#ifndef MAYDAY_BOARD_H
#define MAYDAY_BOARD_H

#include "mayday/constants.h"
#include "mayday/manifest.h"
#include "mayday/port.h"

/* `count` sectors of `size` bytes, a power of two from 1 KiB to 1 MiB. */
typedef struct mayday_sectors {
  uint32_t count, size;
} mayday_sectors;

/* The flash map's parameters (13.1). Constant: nothing of it is copied. */
typedef struct mayday_layout {
  const mayday_sectors *sectors; /* from the flash's start; at most 16 runs */
  uint8_t sector_runs;
  bool is_ab;                   /* two slots; else one */
  bool are_manifests_in_record; /* `record`; else `own` */
  bool is_programmed_once;      /* a write unit takes one program each erase, with an error correction for instance (13.5) */
  uint8_t erased;               /* 0xFF or 0x00 */
  uint16_t write_unit;          /* a power of two, MAYDAY_WRITE_UNIT_MAX at most */
  uint32_t recovery_size, slot_size;
} mayday_layout;

/* What a board is. Constant: nothing of it is copied. */
typedef struct mayday_identity {
  uint8_t node_id[8];
  const char *vendor;         /* UTF-8 of 1 to 32 bytes, a zero behind it */
  const char *hardware_class; /* the same */
  uint16_t revision;
  const mayday_key *keys;
  uint8_t key_count;
  /* Only without keys: takes unsigned images. */
  bool is_unsigned_allowed;
  /* What it accepts while it boots (8.4, step 9): newer images, with one slot only if the second is set, too. */
  bool is_update_allowed, is_single_update_allowed;
} mayday_identity;

typedef struct mayday_region {
  uint32_t offset, size;
} mayday_region;

typedef struct mayday_map {
  mayday_region record[2]; /* as much of each as is used */
  uint32_t journal_size;   /* bytes of each for entries */
  uint32_t areas[MAYDAY_SLOTS_MAX + 1]; /* with `own`: where they begin */
  mayday_region slots[MAYDAY_SLOTS_MAX];
} mayday_map;

#if MAYDAY_SECTOR_BITS == 16
typedef uint16_t mayday_sector_number;
#define MAYDAY_SECTOR_LAST 0xfffeu
#else
typedef uint32_t mayday_sector_number;
#define MAYDAY_SECTOR_LAST UINT32_C(0xfffffffe)
#endif

/* Sectors by number, counted from the flash's start; both included. */
typedef struct mayday_sector_range {
  mayday_sector_number first, last;
} mayday_sector_range;

#define MAYDAY_OPEN_RANGES_MAX 12u
#define MAYDAY_FAILED_MAX 4u

typedef struct mayday_range_set {
  mayday_sector_range ranges[MAYDAY_OPEN_RANGES_MAX + 1u]; /* ascending; the last place is used only within flash/ranges.c */
  uint8_t count;
} mayday_range_set;

/* Flags of a slot: as in its entry (13.2.2), and whether the record knows of an image there. */
enum {
  MAYDAY_SLOT_CONFIRMED = 0x01,
  MAYDAY_SLOT_REVERTED = 0x02,
  MAYDAY_SLOT_UNPROVEN = 0x04,
  MAYDAY_SLOT_KNOWN = 0x80
};

/* What is known of a slot (13.2.2). */
typedef struct mayday_slot_record {
  uint8_t flags;
  uint8_t area;
  uint8_t boots; /* of a trial, or of an unproven image */
  uint32_t rank;
  uint8_t digest[32];
} mayday_slot_record;

/* Failed confirms of an image, and how often it was refused for them since the start (13.4). */
typedef struct mayday_failed {
  uint8_t digest[8];
  uint8_t count, refusals;
} mayday_failed;

typedef struct mayday_record_state {
  bool is_receiving;
  uint8_t receiving_slot, receiving_area;
  bool was_confirmed; /* an image was ever confirmed and ran */
  bool has_given_up;
  uint32_t floor;
  uint32_t starts;
  mayday_slot_record slots[MAYDAY_SLOTS_MAX];
  uint8_t receiving_digest[32];
  mayday_order given_up;
#if MAYDAY_WITH_QUARANTINE
  uint8_t failed_count;
  mayday_failed failed[MAYDAY_FAILED_MAX]; /* the one counted longest ago first */
#endif
  mayday_range_set open;
  mayday_sector_range joined; /* sectors that the last event made open only to join two ranges; none if `first` is above `last` */
} mayday_record_state;

/* The boot record (13.2): its state, and where the next entry stands. */
typedef struct mayday_record {
  uint32_t sequence;  /* of the latest right entry */
  uint32_t at;        /* offset of the next entry in the active sector; 0 before the first event of this run */
  uint32_t reseal_at; /* where the active sector gets another seal before the other one is erased; 0: not needed */
  int8_t active;      /* sector that holds: 0, 1; -1 neither */
  int8_t given;       /* area stored by this run that the state does not name yet; -1 none */
  bool is_clean;      /* as a completed operation leaves it */
  mayday_record_state state;
} mayday_record;

/* What a board does at power-on (13.4). */
typedef struct mayday_decision {
  uint8_t failure; /* 0: it boots; else MAYDAY_BOOT_FAILURE_CODE_* */
  uint8_t slot;    /* that boots */
  bool is_trial;
  bool has_way_back; /* the other slot holds a confirmed image that would boot; known only while `slot` is unproven */
  /* Of the image that boots. The record has its digest, and the status its order. */
  uint32_t counter;
  uint32_t size;
} mayday_decision;

/* What a beacon says of a board (5.2). */
typedef struct mayday_status {
  uint8_t failure; /* 0: it boots */
  bool is_trial, is_installed, is_receiving;
  uint32_t floor;
  mayday_order order;    /* of the installed image; zeros without one */
  uint8_t installed[8];  /* short digests; zeros without */
  uint8_t receiving[8];
  uint8_t hardware_id[8];
} mayday_status;

/* What many functions use stands first: instructions reach it with a short offset. */
typedef struct mayday_board {
  const mayday_port *port;
  const mayday_layout *layout;
  const mayday_hash *hash; /* of the port, or the one in software */
  mayday_decision decision;
  bool is_running; /* what the decision boots runs, so its last trial boot is counted already; set by attempt and confirm */
  bool has_failed; /* the flash failed: nothing is written any more */
  bool is_installed; /* something is, also on a board that does not boot */
  const mayday_identity *identity;
  /* MAYDAY_SCRATCH_BYTES that open, decide, attempt, confirm, read and the writer's commit overwrite, and nothing else: a
   * block buffer, in which the envelope of a session may lie while it is judged and stored. */
  uint8_t *scratch;
  mayday_map map;
  mayday_record record;
  mayday_order order;   /* of what is installed; zeros without one */
  uint8_t installed[8]; /* its short digest; zeros without one */
  uint8_t hardware_id[8];
} mayday_board;

/* Room for an envelope. */
#define MAYDAY_SCRATCH_BYTES 640u

/* Whether a layout is one of 13.1, and the record fits (13.2.4). Call it once while porting: the rest relies on it. */
bool mayday_layout_is_right(const mayday_layout *layout);

/* Reads the boot record, mends what a power cut left (writes then), and takes the boot decision, which hashes what is
 * installed. False: the flash failed; the board is in distress all the same. */
bool mayday_board_open(mayday_board *board, const mayday_port *port, const mayday_layout *layout,
                       const mayday_identity *identity, uint8_t scratch[MAYDAY_SCRATCH_BYTES]);

/* The counter floor: that of the record or of the port, whichever is higher. */
uint32_t mayday_board_floor(const mayday_board *board);

/* What a beacon says of the board now. */
void mayday_board_status(const mayday_board *board, mayday_status *out);

/* The boot decision again (13.4). Reads only. */
void mayday_board_decide(mayday_board *board);

/* The decision as a boot loader takes it, once a start: a trial whose boots are used up is reverted, and a boot is counted
 * before it happens. `board->decision` says what to boot. False: the flash failed. */
bool mayday_board_attempt(mayday_board *board);

/* The firmware that runs found itself well: confirmed, and the counter floor rises. False: nothing boots, or the flash
 * failed. */
bool mayday_board_confirm(mayday_board *board);

/* Judges an envelope as in 8.4, steps 1 to 11: 0, or a code of 5.7. `envelope` is as it was when this returns. `block_max`:
 * largest block that can be buffered, in bytes. */
uint8_t mayday_board_judge(mayday_board *board, uint8_t *envelope, size_t length, const uint8_t offered[8],
                           uint32_t block_max, mayday_manifest *out);

/* Takes the number of this start for a link key's nonces (13.2.5): 0 when the flash failed or none is left. */
uint32_t mayday_board_take_start(mayday_board *board);

/* The bytes of the image that boots, from flash. */
bool mayday_board_read(mayday_board *board, uint32_t offset, uint8_t *bytes, size_t length);

/* The envelope of the image that boots, into `envelope` of MAYDAY_ENVELOPE_MAX bytes. 0: there is none. */
uint16_t mayday_board_envelope(mayday_board *board, uint8_t *envelope);

#endif
