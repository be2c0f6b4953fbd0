/* The second form of frames (PROTOCOL.md 2.5), by fec-v1.json. */
#include "check.h"
#include "fec/golay.h"
#include "fec/hunter.h"
#include "json.h"
#include "mayday/line.h"
#include "wire/frame.h"

#include <stdlib.h>

#define ROOM 2400u

static uint32_t the_chance = 1;

/* Below `bound`, 65536 at most. */
static uint32_t chance(uint32_t bound) {
  the_chance = the_chance * UINT32_C(1664525) + UINT32_C(1013904223);
  return (the_chance >> 16) % bound;
}

static size_t encode(const uint8_t *frame, size_t length, uint8_t mendable, uint8_t *out) {
  mayday_coder coder;
  size_t count = 0;
  mayday_coder_begin(&coder, frame, length, mendable);
  while (count < ROOM && mayday_coder_next(&coder, &out[count])) count++;
  CHECK(!mayday_coder_next(&coder, out), "an encoder that is done stays done");
  return count;
}

static void check_names(const json *fec) {
  JSON_EACH(vector, json_get(fec, "names")) {
    uint8_t name[3];
    mayday_coded coded = {0, 0};
    json_hex(json_get(vector, "nameHex"), name, sizeof name);
    const uint32_t t = (uint32_t)json_u64(vector, "mendable"), content = (uint32_t)json_u64(vector, "contentLength");
    CHECK(mayday_coded_read(name, &coded) && coded.mendable == t && coded.content == content, "a name is read: t %lu, %lu bytes",
          (unsigned long)t, (unsigned long)content);
    const uint32_t word = mayday_golay_encode((uint16_t)((t - 1u) << 8 | (content - 9u) / 8u));
    CHECK(word == ((uint32_t)name[0] << 16 | (uint32_t)name[1] << 8 | name[2]), "and made");
  }
}

/* Up to three wrong bits in any name are mended, and four are seen. */
static void check_wrong_bits(void) {
  unsigned long lost = 0, unseen = 0;
  for (uint16_t data = 0; data < 4096u; data = (uint16_t)(data + 1365u)) {
    const uint32_t word = mayday_golay_encode(data);
    for (unsigned a = 0; a < 24; a++)
      for (unsigned b = 0; b <= a; b++)
        for (unsigned c = 0; c <= b; c++) {
          /* Equal ones take each other away: one and three bits, and none besides. */
          const uint32_t wrong = UINT32_C(1) << a ^ UINT32_C(1) << b ^ UINT32_C(1) << c;
          if (mayday_golay_decode(word ^ wrong) != data) lost++;
          if (mayday_golay_decode(word ^ (wrong & (wrong - 1u))) != data) lost++;
          for (unsigned d = 0; d < c && a > b && b > c; d++)
            if (mayday_golay_decode(word ^ wrong ^ UINT32_C(1) << d) != MAYDAY_NO_WORD) unseen++;
        }
  }
  CHECK(lost == 0, "%lu names with up to three wrong bits are not read", lost);
  CHECK(unseen == 0, "%lu names with four wrong bits are read", unseen);
}

static void check_codewords(const json *fec) {
  JSON_EACH(vector, json_get(fec, "codewords")) {
    uint8_t right[MAYDAY_CODEWORD_MAX], received[MAYDAY_CODEWORD_MAX], was[MAYDAY_CODEWORD_MAX], changes[MAYDAY_PARITY_MAX];
    const uint8_t t = (uint8_t)json_u64(vector, "mendable"), count = (uint8_t)(2u * t);
    const size_t length = json_hex(json_get(vector, "codewordHex"), right, sizeof right);
    mayday_parity parity;
    mayday_parity_init(&parity, count);
    for (size_t i = 0; i < length - count; i++) mayday_parity_feed(&parity, right[i]);
    CHECK(memcmp(parity.bytes, right + length - count, count) == 0, "the parity of %u bytes with t %u", (unsigned)length, t);
    JSON_EACH(one, json_get(vector, "received")) {
      json_hex(json_get(one, "hex"), received, sizeof received);
      memcpy(was, received, length);
      const uint8_t wrong = mayday_mend(received, (uint8_t)length, count, changes);
      if (json_find(one, "wrong") == NULL) {
        CHECK(wrong == MAYDAY_UNMENDED || memcmp(received, right, length) != 0, "too many wrong bytes with t %u are not mended", t);
        if (wrong == MAYDAY_UNMENDED) CHECK(memcmp(received, was, length) == 0, "and changed nothing");
        continue;
      }
      CHECK(wrong == json_u64(one, "wrong") && memcmp(received, right, length) == 0, "%.0f wrong bytes with t %u are mended",
            json_get(one, "wrong")->number, t);
      memcpy(received + length - count, changes, count);
      mayday_unmend(received, (uint8_t)length, count);
      CHECK(memcmp(received, was, length) == 0, "what was mended can be made what it was");
    }
  }
}

/* Any t, any length, as many wrong bytes as there may be, and more. */
static void check_any_codewords(void) {
  unsigned long unmended = 0, spoiled = 0;
  for (unsigned round = 0; round < 4000u; round++) {
    uint8_t right[MAYDAY_CODEWORD_MAX], received[MAYDAY_CODEWORD_MAX], was[MAYDAY_CODEWORD_MAX], changes[MAYDAY_PARITY_MAX];
    const uint8_t t = (uint8_t)(1u + chance(16)), count = (uint8_t)(2u * t);
    const uint8_t length = (uint8_t)(count + 1u + chance(255u - count));
    mayday_parity parity;
    mayday_parity_init(&parity, count);
    for (unsigned i = 0; i + count < length; i++) mayday_parity_feed(&parity, right[i] = (uint8_t)chance(256));
    memcpy(right + length - count, parity.bytes, count);
    memcpy(received, right, length);
    const unsigned wrong = round % 3u == 2u ? chance(256) : chance(t + 1u);
    for (unsigned i = 0; i < wrong; i++) received[chance(length)] = (uint8_t)chance(256);
    memcpy(was, received, length);
    unsigned differ = 0;
    for (unsigned i = 0; i < length; i++) differ += received[i] != right[i];
    const uint8_t said = mayday_mend(received, length, count, changes);
    if (differ <= t && (said != differ || memcmp(received, right, length) != 0)) unmended++;
    if (said != MAYDAY_UNMENDED) {
      memcpy(received + length - count, changes, count);
      mayday_unmend(received, length, count);
    }
    if (memcmp(received, was, length) != 0) spoiled++;
  }
  CHECK(unmended == 0, "%lu codewords with up to t wrong bytes are not mended", unmended);
  CHECK(spoiled == 0, "%lu codewords are not as they were", spoiled);
}

/* What a hunter finds in a stream, in order. */
typedef struct found {
  mayday_hunter hunter;
  uint32_t tag;
  const json *items; /* that are still to come; NULL: none is compared */
  uint8_t other[ROOM];
  size_t others; /* bytes of `other` */
  unsigned frames, wrong;
  uint8_t frame[ROOM]; /* the last one */
  size_t length;
  uint8_t held[MAYDAY_CODED_ROOM(MAYDAY_PAYLOAD_MAX)];
} found;

/* What was passed on, against the next items: they may come in other pieces. */
static void compare_others(found *found) {
  uint8_t expected[ROOM];
  size_t length = 0;
  for (const json *hex; found->items != NULL && (hex = json_find(found->items, "otherHex")) != NULL; found->items = found->items->next)
    length += json_hex(hex, expected + length, ROOM - length);
  CHECK(length == found->others && memcmp(expected, found->other, length) == 0, "the bytes between the frames are right");
  found->others = 0;
}

static void look(found *found) {
  for (mayday_find find; (find = mayday_hunter_look(&found->hunter)) != MAYDAY_FIND_NOTHING;) {
    const mayday_hunter *hunter = &found->hunter;
    if (find == MAYDAY_FIND_OTHER) {
      CHECK(found->others + hunter->found <= ROOM, "no more bytes come out than came in");
      memcpy(found->other + found->others, hunter->held, hunter->found);
      found->others += hunter->found;
      continue;
    }
    mayday_frame frame;
    const uint8_t *bytes = hunter->held + MAYDAY_SYNC_LENGTH;
    if (mayday_frame_parse(bytes, hunter->frame, found->tag, &frame) == MAYDAY_FAULT_BAD_CRC) {
      mayday_hunter_refuse(&found->hunter);
      continue;
    }
    found->frames++;
    found->wrong = hunter->mended;
    found->length = hunter->frame;
    memcpy(found->frame, bytes, found->length);
    if (found->items == NULL) continue;
    uint8_t expected[ROOM];
    compare_others(found);
    if (found->items == NULL) {
      CHECK(false, "a frame more came out");
      continue;
    }
    const size_t length = json_hex(json_get(found->items, "frameHex"), expected, sizeof expected);
    CHECK(length == found->length && memcmp(expected, bytes, length) == 0, "the frame is right");
    CHECK(hunter->mended == json_u64(found->items, "wrong"), "%u bytes were wrong", (unsigned)hunter->mended);
    found->items = found->items->next;
  }
}

static void hear(found *found, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    mayday_hunter_take(&found->hunter, bytes[i], 0);
    look(found);
  }
}

static void fall_silent(found *found) {
  mayday_hunter_close(&found->hunter);
  look(found);
  CHECK(found->hunter.length == 0, "in silence nothing is held");
}

static void begin(found *found, uint32_t tag, size_t room) {
  memset(found, 0, sizeof *found);
  found->tag = tag;
  mayday_hunter_init(&found->hunter, found->held, (uint16_t)room);
}

static void check_frames(const json *fec) {
  static found found;
  static uint8_t frame[ROOM], wire[ROOM], expected[ROOM];
  const uint32_t tag = (uint32_t)json_u64(fec, "tag");
  JSON_EACH(vector, json_get(fec, "frames")) {
    const char *name = json_text(vector, "name");
    const size_t length = json_hex(json_get(vector, "frameHex"), frame, sizeof frame);
    const size_t whole = json_hex(json_get(vector, "wireHex"), expected, sizeof expected);
    const size_t made = encode(frame, length, (uint8_t)json_u64(vector, "mendable"), wire);
    CHECK(made == whole && memcmp(wire, expected, whole) == 0, "%s: it is made", name);
    JSON_EACH(one, json_get(vector, "received")) {
      const size_t received = json_hex(json_get(one, "hex"), wire, sizeof wire);
      begin(&found, tag, sizeof found.held);
      hear(&found, wire, received);
      if (json_find(one, "wrong") == NULL) {
        fall_silent(&found);
        CHECK(found.frames == 0, "%s: it cannot be mended", name);
        CHECK(found.others == received && memcmp(found.other, wire, received) == 0, "%s: all of it is passed on as it came", name);
        continue;
      }
      CHECK(found.frames == 1 && found.others == 0 && found.hunter.length + 0u == found.hunter.found, "%s: it is heard at once", name);
      CHECK(found.length == length && memcmp(found.frame, frame, length) == 0, "%s: it is mended", name);
      CHECK(found.wrong == json_u64(one, "wrong"), "%s: %u bytes were wrong", name, found.wrong);
    }
  }
}

static void check_streams(const json *fec) {
  static found found;
  static uint8_t stream[ROOM];
  const uint32_t tag = (uint32_t)json_u64(fec, "tag");
  JSON_EACH(vector, json_get(fec, "streams")) {
    const size_t length = json_hex(json_get(vector, "streamHex"), stream, sizeof stream);
    begin(&found, tag, sizeof found.held);
    found.items = json_get(vector, "items")->first;
    hear(&found, stream, length);
    fall_silent(&found);
    compare_others(&found);
    CHECK(found.items == NULL, "%s: nothing is missing", json_text(vector, "name"));
  }
}

/* A frame with a right CRC, of `length` bytes, 8 at least. */
static void make_frame(uint8_t *frame, size_t length) {
  for (size_t i = 0; i < length - MAYDAY_CRC_LENGTH; i++) frame[i] = (uint8_t)chance(256);
  frame[0] = 0x08; /* data */
  mayday_frame_close(frame, length - MAYDAY_CRC_LENGTH, 7);
}

static void check_all_sizes(void) {
  static found found;
  static uint8_t frame[ROOM], wire[ROOM];
  for (size_t length = 8; length <= MAYDAY_CODED_FRAME_MAX; length += 1u + length / 16u) {
    const uint8_t t = (uint8_t)(1u + chance(16));
    make_frame(frame, length);
    const size_t count = encode(frame, length, t, wire);
    const mayday_coded coded = mayday_coded_for(length, t);
    CHECK(count == mayday_coded_length(&coded), "%u bytes with t %u take as many bytes as it says", (unsigned)length, t);
    CHECK(count <= MAYDAY_CODED_ROOM(length), "there is room for a frame with a payload of %u bytes", (unsigned)length);
    /* As many wrong bytes as the first codeword may have. */
    for (unsigned i = 0; i < t; i++) wire[7u + i] ^= 0x55u;
    begin(&found, 7, sizeof found.held);
    hear(&found, wire, count);
    CHECK(found.frames == 1 && found.length == length && memcmp(found.frame, frame, length) == 0 && found.wrong == t,
          "%u bytes with t %u are mended", (unsigned)length, t);
    begin(&found, 7, count - 1u);
    hear(&found, wire, count);
    CHECK(found.frames == 0 && found.others + found.hunter.length == count, "for which there is no room is no frame");
  }
}

/* Codewords and padding are right, the CRC is wrong: what was mended is passed on as it came. */
static void check_refused(void) {
  static found found;
  static uint8_t frame[ROOM], wire[ROOM];
  for (size_t length = 8; length <= 1000u; length += 31u) {
    make_frame(frame, length);
    frame[length - 1u] ^= 1u;
    const uint8_t t = (uint8_t)(1u + chance(16));
    const size_t count = encode(frame, length, t, wire);
    for (unsigned i = 0; i < t; i++) wire[count - 1u - 2u * i] ^= 0x33u;
    begin(&found, 7, sizeof found.held);
    hear(&found, wire, count);
    fall_silent(&found);
    CHECK(found.frames == 0 && found.others == count && memcmp(found.other, wire, count) == 0,
          "a frame of %u bytes with a wrong CRC comes out as it came", (unsigned)length);
  }
}

static void check_nothing_is_held(void) {
  static found found;
  for (unsigned round = 0; round < 2000u; round++) {
    uint8_t bytes[40];
    for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)chance(256);
    bytes[39] = 0;
    begin(&found, 7, sizeof found.held);
    hear(&found, bytes, sizeof bytes);
    if (found.hunter.need != 0) continue; /* a whole marker */
    CHECK(found.others == sizeof bytes && memcmp(found.other, bytes, sizeof bytes) == 0, "a delimiter is not held back");
  }
}

/* A stream made of nothing but beginnings of frames comes out as it went in. */
static void check_beginnings(void) {
  static found found;
  static uint8_t stream[2100];
  for (size_t i = 0; i < sizeof stream; i += 7u) {
    const uint32_t name = mayday_golay_encode((uint16_t)chance(4096));
    const uint8_t sync[7] = {0x1a, 0xcf, 0xfc, 0x1d, (uint8_t)(name >> 16), (uint8_t)(name >> 8 & 0xffu), (uint8_t)(name & 0xffu)};
    memcpy(stream + i, sync, sizeof sync);
  }
  begin(&found, 7, sizeof found.held);
  hear(&found, stream, sizeof stream);
  fall_silent(&found);
  CHECK(found.frames == 0 && found.others == sizeof stream && memcmp(found.other, stream, sizeof stream) == 0,
        "beginnings without ends come out as they came");
}

int main(int argc, char **argv) {
  const json *fec = json_load(argc > 1 ? argv[1] : "../vectors", "fec-v1.json");
  check_names(fec);
  check_wrong_bits();
  check_codewords(fec);
  check_any_codewords();
  check_frames(fec);
  check_streams(fec);
  check_all_sizes();
  check_refused();
  check_nothing_is_held();
  check_beginnings();
  return check_end("fec");
}
