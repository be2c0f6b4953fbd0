/* Round trips, line times, and the times that follow from both (PROTOCOL.md 4.4, 6). */
#ifndef MAYDAY_LINK_RTT_H
#define MAYDAY_LINK_RTT_H

#include "mayday/port.h"

typedef struct mayday_rtt {
  uint32_t bytes_per_s; /* of the line; 0 on one without a rate of its own */
  uint32_t smoothed;    /* SRTT in 1/32 ms; valid with has_sample */
  uint32_t variation;   /* RTTVAR in 1/32 ms */
  uint8_t floor_ms;
  bool has_sample;
} mayday_rtt;

/* `baud`: bit/s with 10 bits a byte, 40 million at most; of an I2C clock, ten ninths of it. 0: no rate, all line times are 0.
 * `rto_floor_ms`: 10 on a native UART, 25 behind USB and on I2C. */
void mayday_rtt_init(mayday_rtt *rtt, uint32_t baud, uint8_t rto_floor_ms);

/* Takes in a round trip, less the line time and the ack's delay; above 65,535 ms it counts as that. */
void mayday_rtt_sample(mayday_rtt *rtt, uint32_t ms);

/* Retransmission timeout, in milliseconds, rounded up; 100 before the first sample. */
uint32_t mayday_rto_ms(const mayday_rtt *rtt);

/* Milliseconds that so many bytes take on the line, rounded up; UINT32_MAX also for more. */
uint32_t mayday_line_ms(const mayday_rtt *rtt, uint32_t bytes);

/* The soonest after which the answer to a message of the handshake is missed. */
uint32_t mayday_turn_ms(const mayday_rtt *rtt);

/* After how many milliseconds such a message is said again (6.4): after `first`, then each time after twice as long, `longest` at
 * most. `said`: how often it was said before this time; is counted, to 7 at most. */
uint32_t mayday_repeat_ms(uint8_t *said, uint32_t first, uint32_t longest);

/* After which an unanswered question is asked again. */
uint32_t mayday_wait_ms(const mayday_rtt *rtt);

/* How long a rescuer that serves may not be heard. `longest_frame`: bytes on the line of the longest frame that came in this
 * session, 8,192 at most. */
uint32_t mayday_pause_ms(const mayday_rtt *rtt, uint32_t longest_frame);

/* `block`: bytes of a block, or MAYDAY_MANIFEST_MAX until the manifest is accepted; 65,536 at most. */
uint32_t mayday_lease_ms(const mayday_rtt *rtt, uint32_t block);

#endif
