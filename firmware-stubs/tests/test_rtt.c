/* Round trips and what follows from them, against numbers worked out by hand from PROTOCOL.md 4.4 and 6. */
#include "link/rtt.h"

#include "mayday/constants.h"
#include "check.h"

static void rto_is_as_in_4_4(void) {
  mayday_rtt rtt;
  mayday_rtt_init(&rtt, 115200, 10);
  CHECK(mayday_rto_ms(&rtt) == 100, "the RTO is 100 ms before the first sample, not %lu", (unsigned long)mayday_rto_ms(&rtt));
  mayday_rtt_sample(&rtt, 40); /* SRTT 40, RTTVAR 20 */
  CHECK(mayday_rto_ms(&rtt) == 120, "after a sample of 40 ms it is 40 + 4 x 20, not %lu", (unsigned long)mayday_rto_ms(&rtt));
  mayday_rtt_sample(&rtt, 80); /* RTTVAR 15 + 10 = 25, SRTT 35 + 10 = 45 */
  CHECK(mayday_rto_ms(&rtt) == 145, "after one of 80 ms it is 45 + 4 x 25, not %lu", (unsigned long)mayday_rto_ms(&rtt));
  for (int i = 0; i < 200; i++) mayday_rtt_sample(&rtt, 3);
  CHECK(mayday_rto_ms(&rtt) >= 13 && mayday_rto_ms(&rtt) <= 14, "steady round trips of 3 ms leave the floor of 10 ms, not %lu",
        (unsigned long)mayday_rto_ms(&rtt));
  mayday_rtt_sample(&rtt, UINT32_MAX);
  CHECK(mayday_rto_ms(&rtt) < 100000, "an absurd sample counts as 65,535 ms");
}

static void line_times_round_up(void) {
  mayday_rtt rtt;
  mayday_rtt_init(&rtt, 115200, 10);
  CHECK(mayday_line_ms(&rtt, 0) == 0, "no bytes take no time");
  CHECK(mayday_line_ms(&rtt, 1) == 1, "a byte takes a millisecond, rounded up");
  CHECK(mayday_line_ms(&rtt, 11520) == 1000, "11520 bytes take a second at 115200 bit/s");
  CHECK(mayday_line_ms(&rtt, 4096) == 356, "4096 bytes take 355.6 ms");
  mayday_rtt_init(&rtt, 40000000, 10);
  CHECK(mayday_line_ms(&rtt, UINT32_MAX) == 1073742, "4 GiB at 40 Mbit/s do not overflow");
  mayday_rtt_init(&rtt, 5, 10);
  CHECK(mayday_line_ms(&rtt, UINT32_MAX) == UINT32_MAX, "what takes longer than 49 days is the largest number");
  mayday_rtt_init(&rtt, 0, 25);
  CHECK(mayday_line_ms(&rtt, 65536) == 0, "on a line without a rate all line times are 0");
}

static void times_are_as_in_6(void) {
  mayday_rtt rtt;
  mayday_rtt_init(&rtt, 115200, 10);
  CHECK(mayday_wait_ms(&rtt) == 100 + 521, "wait is RTO + line time of 6000 bytes");
  CHECK(mayday_pause_ms(&rtt, 0) == 100 + 40 + 50, "pause takes 286 bytes at least");
  CHECK(mayday_pause_ms(&rtt, 1152) == 100 + 40 + 200, "pause takes two of the longest frame");
  CHECK(mayday_lease_ms(&rtt, 4096) == 5000, "lease is 5 s at least");
  CHECK(mayday_lease_ms(&rtt, 65536) == 8 * (5689 + 100), "lease is eight times block and RTO");
  mayday_rtt_init(&rtt, 1200, 10);
  CHECK(mayday_pause_ms(&rtt, 4128) == 100 + 40 + 2000, "two frames count as 2 s at most in pause");
}

static void repeats_are_as_in_6_4(void) {
  static const uint32_t expected[] = {27, 54, 108, 200, 200};
  mayday_rtt rtt;
  uint8_t said = 0;
  mayday_rtt_init(&rtt, 115200, 10);
  CHECK(mayday_turn_ms(&rtt) == 50 + 35, "a turn is 50 ms + line time of 400 bytes");
  for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
    uint32_t wait = mayday_repeat_ms(&said, 27, 200);
    CHECK(wait == expected[i], "wait %u before a repeat is %lu ms, not %lu", i, (unsigned long)expected[i], (unsigned long)wait);
  }
  for (unsigned i = 0; i < 300; i++) CHECK(mayday_repeat_ms(&said, 27, 200) == 200, "the longest wait holds for ever");
  said = 0;
  CHECK(mayday_repeat_ms(&said, 300, 200) == 200, "the longest wait holds from the first repeat on");
}

int main(void) {
  rto_is_as_in_4_4();
  line_times_round_up();
  times_are_as_in_6();
  repeats_are_as_in_6_4();
  return check_end("rtt");
}
