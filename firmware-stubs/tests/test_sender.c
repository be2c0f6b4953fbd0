/* The sending side of a link against `acksTaken` of vectors/link-v1.json, and by itself (PROTOCOL.md 4.1 to 4.8). */
/* As many packets as the protocol allows, as vectors have that many in flight: so the sender is compiled here. */
#define MAYDAY_RESCUER_PACKETS 1026
#define MAYDAY_RESCUER_BLOCK_MAX 65536
#include "../src/link/sender.c"

#include "check.h"
#include "json.h"
#include "link/outgoing.h"
#include "wire/cobs.h"

#include <stdlib.h>

#define NAME(vector) json_text(vector, "name")

/* Each packet of these vectors carries the 32 bytes at 32 times its number, less the first one's. */
typedef struct stage {
  mayday_rtt rtt;
  mayday_sizer sizer;
  mayday_sender sender;
  uint32_t first;
} stage;

static stage the_stage;

static uint64_t range_end(const json *range, bool is_last) {
  return (uint64_t)(is_last ? range->first->next->number : range->first->number);
}

static bool is_in(const json *ranges, uint64_t number) {
  JSON_EACH(range, ranges) {
    if (number >= range_end(range, false) && number <= range_end(range, true)) return true;
  }
  return false;
}

static uint64_t count_of(const json *ranges) {
  uint64_t count = 0;
  JSON_EACH(range, ranges) count += range_end(range, true) - range_end(range, false) + 1;
  return count;
}

static void set_stage(uint32_t first, uint32_t packets, uint32_t next) {
  memset(&the_stage, 0, sizeof the_stage);
  mayday_rtt_init(&the_stage.rtt, 0, 10);
  mayday_sizer_init(&the_stage.sizer);
  mayday_sender_init(&the_stage.sender, &the_stage.rtt, &the_stage.sizer, 32, 0);
  the_stage.sender.window.bytes = UINT32_MAX;
  the_stage.first = first;
  the_stage.sender.next = next - packets;
  if (packets == 0) return;
  (void)mayday_sender_add(&the_stage.sender, MAYDAY_ITEM_BLOCK, 0, 0, packets * 32u);
  mayday_chunk chunk;
  for (uint32_t i = 0; i < packets; i++) {
    CHECK(mayday_sender_next(&the_stage.sender, 1, true, &chunk) && chunk.item != MAYDAY_NO_ITEM && chunk.from == i,
          "packet %lu of %lu goes out, with the bytes that come next", (unsigned long)i, (unsigned long)packets);
    (void)mayday_sender_sent(&the_stage.sender, 1, &chunk, 1);
  }
}

/* Whether the bytes of a packet are to be sent again. */
static bool is_lost(uint32_t number) {
  uint32_t unit = number - the_stage.first;
  for (uint32_t i = 0; i < MAYDAY_RESCUER_ITEMS; i++) {
    const mayday_item *item = &the_stage.sender.items[i];
    if (item->kind == MAYDAY_ITEM_BLOCK) return (item->missing[unit / 8u] >> (unit % 8u) & 1) != 0;
  }
  return false;
}

static void take_ack(const json *vector) {
  uint8_t bitmap[14];
  const json *ack = json_get(vector, "ack");
  const json *in_flight = json_get(vector, "inFlight");
  uint32_t next = (uint32_t)json_u64(vector, "next"), packets = (uint32_t)count_of(in_flight);
  (void)json_hex(json_get(ack, "bitmap"), bitmap, sizeof bitmap);
  set_stage(next - packets, packets, next);
  bool is_taken = mayday_sender_ack(&the_stage.sender, 5, (uint16_t)json_u64(ack, "highest"), 0, bitmap);
  CHECK(is_taken == (json_find(vector, "highest") != NULL), "%s: an ack of packets that were sent is taken, any other one is not",
        NAME(vector));
  uint64_t still = count_of(json_get(vector, "stillInFlight"));
  if (!is_taken) still = packets;
  CHECK(the_stage.sender.count == still, "%s: %lu packets are still in flight, not %u", NAME(vector), (unsigned long)still,
        the_stage.sender.count);
  CHECK(the_stage.sender.flight_bytes == 32u * still, "%s: the bytes in flight are those of these packets", NAME(vector));
  if (!is_taken) return;
  for (uint32_t number = next - packets; number != next; number++) {
    CHECK(is_lost(number) == is_in(json_get(vector, "lost"), number), "%s: packet %lu is sent again when it is lost, and else not",
          NAME(vector), (unsigned long)number);
  }
}

static void parts_are_equal(void) {
  mayday_sizer sizer;
  mayday_sizer_init(&sizer);
  mayday_sizer_limit(&sizer, 4096);
  CHECK(sizer.payload == 256, "the first frames carry 256 bytes, not %u", sizer.payload);
  CHECK(mayday_sizer_cut(&sizer, 623) == 224, "623 bytes are cut into equal parts of 224 at most");
  CHECK(mayday_sizer_cut(&sizer, 1) == 1, "a byte is a part");
  mayday_sizer_limit(&sizer, 100);
  CHECK(sizer.payload == 96, "a largest payload is rounded down to units of 32, not %u", sizer.payload);
}

/* Frames of the size that the sizer chooses, on a line with this many errors in 2^32 bytes. */
static uint32_t run_line(mayday_sizer *sizer, uint32_t errors, uint32_t frames) {
  uint32_t state = 12345;
  for (uint32_t i = 0; i < frames; i++) {
    uint32_t bytes = (uint32_t)mayday_sizer_cut(sizer, 65536) + 10u;
    bool is_damaged = false;
    for (uint32_t byte = 0; byte < bytes; byte++) {
      state = state * 1664525u + 1013904223u;
      if (state < errors) is_damaged = true;
    }
    mayday_sizer_settle(sizer, (uint16_t)bytes, is_damaged);
  }
  return sizer->payload;
}

static void payload_follows_the_line(void) {
  mayday_sizer sizer;
  mayday_sizer_init(&sizer);
  mayday_sizer_limit(&sizer, 4096);
  uint32_t clean = run_line(&sizer, 0, 2000);
  CHECK(clean == 4096, "on a line without errors the largest frames are sent, not %lu bytes", (unsigned long)clean);
  uint32_t bad = run_line(&sizer, 4294967, 2000); /* 1 in 1000: the best is 95 */
  CHECK(bad >= 64 && bad <= 160, "with an error in 1000 bytes about 96 bytes are best, not %lu", (unsigned long)bad);
  uint32_t fair = run_line(&sizer, 429497, 4000); /* 1 in 10000: the best is 311 */
  CHECK(fair >= 224 && fair <= 448, "with one in 10000 about 320, not %lu", (unsigned long)fair);
  uint32_t good = run_line(&sizer, 0, 300);
  CHECK(good >= 1024, "when the line gets better this is noticed within 300 frames: %lu bytes", (unsigned long)good);
  (void)run_line(&sizer, 0, 2000);
  uint32_t worse = run_line(&sizer, 4294967, 64);
  CHECK(worse <= 256, "when it gets worse, within 64 frames: %lu bytes", (unsigned long)worse);
}

static void probes(void) {
  static const uint8_t bitmap[14] = {0xff};
  mayday_chunk chunk;
  set_stage(0, 2, 2);
  CHECK(mayday_sender_next(&the_stage.sender, 2, true, &chunk) && chunk.item == MAYDAY_NO_ITEM, "a probe goes out behind the last bytes");
  CHECK(mayday_sender_sent(&the_stage.sender, 2, &chunk, 3) == 2, "it takes a number");
  CHECK(!mayday_sender_next(&the_stage.sender, 3, true, &chunk), "there is one for each tail");
  CHECK(!mayday_sender_next(&the_stage.sender, 102, true, &chunk), "the next one waits for the RTO since the last byte left");
  CHECK(mayday_sender_next(&the_stage.sender, 103, true, &chunk) && chunk.item == MAYDAY_NO_ITEM, "it goes when that is over");
  (void)mayday_sender_sent(&the_stage.sender, 103, &chunk, 103);
  CHECK(mayday_sender_ack(&the_stage.sender, 110, 2, 0, bitmap), "an ack of the first probe is taken");
  CHECK(the_stage.sender.count == 1 && the_stage.sender.flight_bytes == 0, "the second one is still on its way");
  CHECK(mayday_sender_completed(&the_stage.sender) != MAYDAY_NO_ITEM, "the block is acked in full");
  CHECK(mayday_sender_ack(&the_stage.sender, 120, 3, 0, bitmap) && the_stage.sender.count == 0, "then it is acked, too");
  CHECK(!mayday_sender_next(&the_stage.sender, 5000, true, &chunk), "with nothing in flight there is no probe");
}

static void busy(void) {
  static const uint8_t bitmap[14] = {0xff};
  mayday_chunk chunk;
  set_stage(0, 2, 2);
  mayday_sender_pause(&the_stage.sender, 10, 5000);
  CHECK(!mayday_sender_next(&the_stage.sender, 900, true, &chunk), "nothing is sent to a busy target for a second");
  CHECK(mayday_sender_next(&the_stage.sender, 1010, true, &chunk) && chunk.item == MAYDAY_NO_ITEM, "then one probe");
  (void)mayday_sender_sent(&the_stage.sender, 1010, &chunk, 1010);
  CHECK(!mayday_sender_next(&the_stage.sender, 2009, true, &chunk), "and one a second");
  CHECK(mayday_sender_ack(&the_stage.sender, 2009, 1, 0, bitmap) && the_stage.sender.is_paused, "an ack of an older packet ends nothing");
  CHECK(mayday_sender_ack(&the_stage.sender, 2010, 2, 0, bitmap) && !the_stage.sender.is_paused, "one of that probe shows that it hears");
}

/* What a frame becomes on the line, by the coder that works piece by piece, with a UART that takes `most` bytes at a time. */
static uint8_t line_bytes[5000];
static size_t line_length, line_most;

static size_t tx(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  if (length > line_most) length = line_most;
  memcpy(line_bytes + line_length, bytes, length);
  line_length += length;
  return length;
}

static void coding(void) {
  static uint8_t frame[1100], coded[1200];
  static const mayday_line line;
  mayday_port port;
  mayday_outgoing out;
  memset(&port, 0, sizeof port);
  port.tx = tx;
  for (size_t length = 1; length < sizeof frame; length += length < 20 ? 1 : 117) {
    for (unsigned zeros = 0; zeros < 4; zeros++) {
      for (size_t i = 0; i < length; i++) frame[i] = (uint8_t)(zeros == 0 ? 1 + i % 255 : i % (zeros * 90u) == 0 ? 0 : i);
      if (zeros == 3) frame[length - 1] = 0;
      line_length = 0;
      line_most = length % 2 == 0 ? 7 : 2000;
      mayday_outgoing_begin(&out, frame, length, false);
      while (out.frame != NULL) (void)mayday_outgoing_run(&out, &port, &line);
      size_t expected = mayday_cobs_encode(frame, length, coded);
      CHECK(line_length == expected + 2 && line_bytes[0] == 0 && line_bytes[line_length - 1] == 0 && memcmp(line_bytes + 1, coded, expected) == 0,
            "a frame of %zu bytes goes out as COBS says, between delimiters", length);
    }
  }
}

static void pacing(void) {
  mayday_pacer pacer;
  mayday_pacer_init(&pacer, 11520);
  CHECK(mayday_pacer_is_ready(&pacer, 100) && !mayday_pacer_is_busy(&pacer, 100), "a line that is free is ready");
  CHECK(mayday_pacer_hand_over(&pacer, 100, 1152) == 200, "1152 bytes take 100 ms at 115200 bit/s");
  CHECK(mayday_pacer_is_busy(&pacer, 150), "the next frame follows without a gap");
  CHECK(!mayday_pacer_is_ready(&pacer, 159) && mayday_pacer_is_ready(&pacer, 160), "40 ms before the end it may be handed over");
  CHECK(mayday_pacer_is_ready(&pacer, UINT64_C(1) << 33), "a long silence frees the line");
  mayday_pacer_init(&pacer, 92160);
  (void)mayday_pacer_hand_over(&pacer, 0, 4000);
  CHECK(!mayday_pacer_is_ready(&pacer, 15) && mayday_pacer_is_ready(&pacer, 16), "no more than 2600 bytes wait in the UART");
}

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  const json *vectors = json_load(argv[1], "link-v1.json");
  size_t looked = 0;
  JSON_EACH(vector, json_get(vectors, "acksTaken")) {
    take_ack(vector);
    looked++;
  }
  CHECK(looked >= 20, "at least twenty vectors were looked at, not %zu", looked);
  parts_are_equal();
  payload_follows_the_line();
  probes();
  busy();
  coding();
  pacing();
  return check_end("sender");
}
