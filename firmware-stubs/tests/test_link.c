/* Packet numbers and acks of a target (PROTOCOL.md 4.1, 4.3), and the order of sequence numbers (5.9). */
#include "base/bytes.h"
#include "check.h"
#include "json.h"
#include "link/acks.h"
#include "wire/cobs.h"
#include "wire/frame.h"

/* A target counts in 32 bits: a vector with larger numbers is looked at with all of them less so many times 4096. */
static uint64_t beyond_32_bits(double highest) {
  return highest < 4294967296.0 ? 0 : ((uint64_t)highest - UINT32_C(0x80000000)) & ~UINT64_C(0xfff);
}

static void check_numbers(const json *link) {
  JSON_EACH(vector, json_get(link, "packetNumbers")) {
    mayday_acks acks;
    mayday_acks_init(&acks);
    double highest = json_get(vector, "highest")->number;
    uint64_t less = beyond_32_bits(highest);
    acks.has_any = highest >= 0;
    if (acks.has_any) acks.highest = (uint32_t)((uint64_t)highest - less);
    uint64_t number = mayday_packet_number(&acks, (uint16_t)json_u64(vector, "low")) + less;
    CHECK(number == json_u64(vector, "number"), "after %.0f, the low bits %.0f are packet %.0f", highest,
          json_get(vector, "low")->number, (double)number);
  }
}

/* The bytes of an ack as they are on the wire, from a session with this tag. */
static size_t ack_frame(mayday_acks *acks, uint32_t now_us, uint32_t tag, uint8_t out[32]) {
  out[0] = MAYDAY_FRAME_CLASS_TARGET_CONTROL;
  mayday_acks_build(acks, now_us, out + 1);
  return mayday_frame_close(out, 1u + MAYDAY_ACK_BYTES, tag);
}

static void check_built(const json *link) {
  const uint32_t tag = (uint32_t)json_u64(link, "tag");
  JSON_EACH(vector, json_get(link, "acksBuilt")) {
    const char *name = json_text(vector, "name");
    mayday_acks acks;
    mayday_acks_init(&acks);
    JSON_EACH(range, json_get(vector, "received")) {
      uint64_t last = (uint64_t)range->first->next->number;
      for (uint64_t i = (uint64_t)range->first->number; i <= last; i++) mayday_acks_take(&acks, (uint16_t)(i & 0xfff), 0, false);
    }
    CHECK(acks.highest == json_u64(vector, "highest"), "%s: the highest packet is %.0f", name, (double)acks.highest);
    uint8_t expected[64], actual[32], wire[64];
    size_t length = json_hex(json_get(vector, "frameHex"), expected, sizeof expected);
    uint32_t now_us = (uint32_t)json_u64(vector, "delayUnits") * 256u;
    CHECK(ack_frame(&acks, now_us, tag, actual) == length && memcmp(actual, expected, length) == 0, "%s: the ack is right", name);
    wire[0] = 0;
    size_t encoded = mayday_cobs_encode(actual, length, wire + 1);
    wire[encoded + 1] = 0;
    length = json_hex(json_get(vector, "wireHex"), expected, sizeof expected);
    CHECK(length == encoded + 2 && memcmp(wire, expected, length) == 0, "%s: the ack is right on the wire", name);
  }
}

/* Compares the acks that are due before a time, each at the moment when it is due. Returns the next one that is expected. */
static const json *compare_due(mayday_acks *acks, const json *next, uint32_t offset, uint32_t before_us, const char *name) {
  while (acks->is_due && (int32_t)(acks->due_us - before_us) < 0) {
    uint32_t now_us = acks->due_us;
    CHECK(next != NULL, "%s: no further ack is due at %lu us", name, (unsigned long)(now_us - offset));
    CHECK(!mayday_acks_is_due(acks, now_us - 1), "%s: an ack is not due before its time", name);
    CHECK(mayday_acks_is_due(acks, now_us), "%s: an ack is due at its time", name);
    uint8_t ack[MAYDAY_ACK_BYTES], expected[14];
    mayday_acks_build(acks, now_us, ack);
    if (next == NULL) return NULL;
    CHECK(now_us - offset == json_u64(next, "atUs"), "%s: the ack at %.0f us is sent at %lu us", name,
          json_get(next, "atUs")->number, (unsigned long)(now_us - offset));
    json_hex(json_get(next, "bitmap"), expected, sizeof expected);
    CHECK(mayday_u16(ack) == json_u64(next, "highest") && memcmp(ack + 3, expected, 14) == 0, "%s: the ack at %.0f us says what came",
          name, json_get(next, "atUs")->number);
    CHECK(ack[2] == json_u64(next, "delayUnits"), "%s: the delay of the ack at %.0f us is %u units", name,
          json_get(next, "atUs")->number, (unsigned)ack[2]);
    next = next->next;
  }
  return next;
}

/* `offset`: what the clock shows at the start, so that it wraps on the way. */
static void check_schedules(const json *link, uint32_t offset) {
  JSON_EACH(vector, json_get(link, "ackSchedules")) {
    const char *name = json_text(vector, "name");
    const json *next = json_get(vector, "acks")->first;
    mayday_acks acks;
    mayday_acks_init(&acks);
    JSON_EACH(packet, json_get(vector, "packets")) {
      uint32_t now_us = offset + (uint32_t)json_u64(packet, "atUs");
      const char *kind = json_text(packet, "kind");
      next = compare_due(&acks, next, offset, now_us, name);
      mayday_acks_take(&acks, (uint16_t)(json_u64(packet, "number") & 0xfff), now_us, strcmp(kind, "probe") == 0);
      if (strcmp(kind, "blockComplete") == 0) mayday_acks_hurry(&acks, now_us);
      next = compare_due(&acks, next, offset, now_us + 1, name);
    }
    next = compare_due(&acks, next, offset, offset + UINT32_C(1000000000), name);
    CHECK(next == NULL, "%s: no ack is missing", name);
  }
}

/* RFC 1982 with 16 bits, as grants and requests are numbered: what a target's own numbers have to be. */
static void check_sequences(const json *link) {
  JSON_EACH(vector, json_get(link, "sequences")) {
    uint16_t difference = (uint16_t)(json_u64(vector, "a") - json_u64(vector, "b"));
    CHECK((difference > 0 && difference < 0x8000u) == json_bool(vector, "isAfter"), "%.0f is compared with %.0f",
          json_get(vector, "a")->number, json_get(vector, "b")->number);
  }
}

static void check_copies(void) {
  mayday_acks acks;
  mayday_acks_init(&acks);
  CHECK(!mayday_acks_is_due(&acks, 0), "no ack is due before a packet came");
  mayday_acks_hurry(&acks, 5);
  CHECK(!acks.is_due, "nothing is hurried before the first packet");
  CHECK(mayday_acks_take(&acks, 7, 0, false), "a first packet is new");
  CHECK(!mayday_acks_take(&acks, 7, 0, false), "its second copy is not new");
  CHECK(mayday_acks_take(&acks, 3, 0, false), "an earlier packet that was missing is new");
  CHECK(!mayday_acks_take(&acks, 3, 0, false), "and its second copy is not");
  CHECK(mayday_acks_take(&acks, 300, 0, false), "a packet far ahead is new");
  CHECK(!mayday_acks_take(&acks, 188, 0, false), "a packet that the bitmap does not reach counts as one that came");
  CHECK(mayday_acks_take(&acks, 189, 0, false), "the last one that it reaches is new");
  uint8_t ack[MAYDAY_ACK_BYTES];
  mayday_acks_build(&acks, UINT32_C(66000), ack);
  CHECK(ack[2] == 255, "a delay of more than 255 units is 255");
  CHECK(ack[3] == 1 && ack[16] == 0x80, "the bitmap has its highest and its last packet");
}

int main(int argc, char **argv) {
  const json *link = json_load(argc > 1 ? argv[1] : "../vectors", "link-v1.json");
  check_numbers(link);
  check_built(link);
  check_schedules(link, 0);
  check_schedules(link, UINT32_C(0xffffff00));
  check_schedules(link, UINT32_C(0x7fffff00));
  check_sequences(link);
  check_copies();
  return check_end("link");
}
