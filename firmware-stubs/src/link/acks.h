/* The receiving side of a link: packet numbers, and which ack is due (PROTOCOL.md 4.1, 4.3). */
#ifndef MAYDAY_LINK_ACKS_H
#define MAYDAY_LINK_ACKS_H

#include <stdbool.h>
#include <stdint.h>

/* Times are microseconds that wrap at 2^32; what is compared lies within 30 minutes. Packet numbers have 32 bits here: more than
 * 2^32 packets in a session would be more than 100 GB for an image of 4 GiB at most. */
typedef struct mayday_acks {
  uint32_t highest;         /* valid with has_any */
  uint8_t bitmap[14];       /* as in the frame: bit 0 of byte 0 is the highest packet */
  bool has_any;
  bool is_due;              /* at due_us, or before it */
  bool is_again;            /* once more, as a loss was seen (4.3) */
  uint8_t uncovered;        /* packets since the last ack */
  uint32_t due_us;
  uint32_t highest_us;      /* arrival of the first copy of the highest packet */
} mayday_acks;

void mayday_acks_init(mayday_acks *acks);

/* The packet number with these 12 low bits (4.1). */
uint32_t mayday_packet_number(const mayday_acks *acks, uint16_t low);

/* Takes note of a packet that was kept, or is of no use. `is_probe`: an ack is due at once. False: it came before. */
bool mayday_acks_take(mayday_acks *acks, uint16_t low, uint32_t now_us, bool is_probe);

/* A block is complete: an ack is due at once. */
void mayday_acks_hurry(mayday_acks *acks, uint32_t now_us);

/* Whether an ack is due now. */
bool mayday_acks_is_due(const mayday_acks *acks, uint32_t now_us);

/* Bytes of an ack behind its type: the low half of the highest packet's number, the delay in units of 256 microseconds, the
 * bitmap. */
#define MAYDAY_ACK_BYTES 17u

/* The ack, whether it is due or not; what was due is done. */
void mayday_acks_build(mayday_acks *acks, uint32_t now_us, uint8_t out[MAYDAY_ACK_BYTES]);

#endif
