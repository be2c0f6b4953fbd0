/* The sending side of a session: cuts blocks and objects into numbered packets, keeps the window, sends again what acks show as
 * lost, and probes (PROTOCOL.md 4.1 to 4.4, 4.8, 5.11). It does not know the bytes: these are read when a packet is made. */
#ifndef MAYDAY_LINK_SENDER_H
#define MAYDAY_LINK_SENDER_H

#include "link/pacing.h"
#include "link/sizer.h"
#if MAYDAY_WITH_FEC
#include "link/form_sizer.h"
#endif
#include "mayday/constants.h"

/* Packets that may be in flight. */
#ifndef MAYDAY_RESCUER_PACKETS
#define MAYDAY_RESCUER_PACKETS 48
#endif
/* Blocks and objects that are on their way at the same time. */
#ifndef MAYDAY_RESCUER_ITEMS
#define MAYDAY_RESCUER_ITEMS 8
#endif
/* Largest block of an image, in bytes. */
#ifndef MAYDAY_RESCUER_BLOCK_MAX
#define MAYDAY_RESCUER_BLOCK_MAX 4096
#endif

#if MAYDAY_RESCUER_PACKETS < 16 || MAYDAY_RESCUER_PACKETS > 1088
#error "MAYDAY_RESCUER_PACKETS has to be 16 to 1088"
#endif
#if MAYDAY_RESCUER_ITEMS < 4 || MAYDAY_RESCUER_ITEMS > 64
#error "MAYDAY_RESCUER_ITEMS has to be 4 to 64"
#endif
#if MAYDAY_RESCUER_BLOCK_MAX < 1024 || MAYDAY_RESCUER_BLOCK_MAX > 65536
#error "MAYDAY_RESCUER_BLOCK_MAX has to be 1024 to 65536"
#endif

/* What an item is: a block, or an object by its kind (4.6). */
#define MAYDAY_ITEM_FREE 0x00u
#define MAYDAY_ITEM_BLOCK 0x80u

typedef struct mayday_item {
  uint32_t name;     /* a block, or the level in bits 24 to 31 and the index of a node */
  uint32_t length;   /* bytes to send, 1 to 65536 */
  uint16_t age;      /* the one that was added first has the smallest */
  uint16_t in_flight; /* packets */
  uint8_t kind;
  uint8_t attempt, codec; /* of a block */
  uint8_t value;          /* of what is uniform */
  uint8_t missing[MAYDAY_RESCUER_BLOCK_MAX / 256]; /* bit i: the 32 bytes from 32 i on are to be sent */
} mayday_item;

/* A packet in flight, or some probes with adjoining numbers. */
typedef struct mayday_sent {
  uint8_t item;    /* MAYDAY_NO_ITEM: a probe, or of an item that was dropped */
  uint8_t count;   /* of a chunk, units of 32 bytes; of probes, their number */
  uint16_t from;   /* in units, and the flags below */
  uint16_t due;    /* when its last byte leaves the wire, ms modulo 2^16 */
#if MAYDAY_WITH_FEC
  uint8_t mendable; /* its form: wrong bytes that each codeword may have; 0: COBS */
#endif
} mayday_sent;

#define MAYDAY_SENT_PROBE 0x8000u
#define MAYDAY_SENT_UNHEARD 0x4000u /* the target may have been deaf: that it is lost says nothing about the line */
#define MAYDAY_SENT_FROM 0x0fffu

#define MAYDAY_NO_ITEM 0xffu

typedef struct mayday_sender {
  mayday_rtt *rtt;
  mayday_sizer *sizer;
#if MAYDAY_WITH_FEC
  mayday_form_sizer *forms; /* in its place, for a peer that hears both forms; else NULL */
  uint32_t arrived;         /* bytes on the line, of packets in the second form that the ack being taken says arrived */
  uint16_t mended;          /* wrong bytes in such packets, as the last ack said */
#endif
  mayday_window window;
  uint32_t next;         /* number of the next packet */
  uint32_t flight_bytes; /* of payload in flight, whole units */
  uint16_t oldest, count; /* of `sent`, a ring */
  uint16_t ages;
  bool is_probe_owed;    /* behind the last bytes that there are */
  bool is_asked;         /* a query came: a probe is due now */
  bool is_paused;        /* the target said busy, until `pause_until` */
  uint32_t pause_first;  /* first packet sent since then */
  mayday_time pause_until;
  mayday_time news_at;   /* the last ack, or the first packet after none was in flight */
  mayday_time due_at;    /* when the last byte of the last packet leaves the wire */
  mayday_item items[MAYDAY_RESCUER_ITEMS];
  mayday_sent sent[MAYDAY_RESCUER_PACKETS];
} mayday_sender;

/* What to send next. */
typedef struct mayday_chunk {
  uint8_t item; /* MAYDAY_NO_ITEM: a probe */
  uint16_t from; /* in units of 32 bytes */
  uint16_t length; /* bytes */
#if MAYDAY_WITH_FEC
  uint8_t mendable; /* the form: as in mayday_sent */
#endif
} mayday_chunk;

/* `payload_max`: bytes. `rtt` and `sizer` are those of the line, and outlive it. */
void mayday_sender_init(mayday_sender *sender, mayday_rtt *rtt, mayday_sizer *sizer, uint16_t payload_max, mayday_time now);

/* The item of this kind and name, and attempt of a block; MAYDAY_NO_ITEM when there is none. */
uint8_t mayday_sender_find(const mayday_sender *sender, uint8_t kind, uint32_t name, uint8_t attempt);

/* Adds an item of `length` bytes behind the others of its kind. Blocks leave two places to objects. MAYDAY_NO_ITEM: none is
 * free. */
uint8_t mayday_sender_add(mayday_sender *sender, uint8_t kind, uint32_t name, uint8_t attempt, uint32_t length);

/* Of an item nothing of which was sent yet. */
void mayday_sender_set_length(mayday_sender *sender, uint8_t item, uint32_t length);

/* Forgets an item. Its packets in flight are not sent again. */
void mayday_sender_drop(mayday_sender *sender, uint8_t item);

/* An item of which every byte was acked, or MAYDAY_NO_ITEM. It stays until it is dropped. */
uint8_t mayday_sender_completed(const mayday_sender *sender);

/* The next chunk or probe; false when nothing is to be sent now. `is_tail`: there is nothing to add. What it returned is sent, or
 * asked for again: then the item has it still. */
bool mayday_sender_next(mayday_sender *sender, mayday_time now, bool is_tail, mayday_chunk *out);

/* The chunk is handed over; its last byte leaves the wire at `due`. Returns the packet's number. */
uint32_t mayday_sender_sent(mayday_sender *sender, mayday_time now, const mayday_chunk *chunk, mayday_time due);

/* The last byte of the packet that was handed over last leaves the wire at `due`. */
void mayday_sender_due(mayday_sender *sender, mayday_time due);

/* Takes in an ack; false when it is about packets that were never sent. `delay` in units of 256 microseconds. */
bool mayday_sender_ack(mayday_sender *sender, mayday_time now, uint16_t highest, uint8_t delay, const uint8_t bitmap[14]);

#if MAYDAY_WITH_FEC
/* Both ends hear the second form. The sizer is that of the line, and outlives the sender. `wire_max`: bytes that the line takes in
 * 2 s, 0 without a rate. */
void mayday_sender_use_forms(mayday_sender *sender, mayday_form_sizer *forms, uint16_t payload_max, uint32_t wire_max);

/* Behind mayday_sender_ack: the ack said that so many bytes were wrong in all that came in the second form. */
void mayday_sender_mended(mayday_sender *sender, uint16_t mended);
#endif

/* The target hears nothing until then. */
void mayday_sender_pause(mayday_sender *sender, mayday_time now, mayday_time until);
void mayday_sender_resume(mayday_sender *sender, mayday_time now);

/* Nothing is to be sent, and nothing in flight. */
bool mayday_sender_is_idle(const mayday_sender *sender);

#endif
