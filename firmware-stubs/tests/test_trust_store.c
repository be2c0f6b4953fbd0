/* Trust stores in flash (PROTOCOL.md 13.6). */
#include "base/bytes.h"
#include "base/crc.h"
#include "check.h"
#include "image/key_point.h"
#include "image/trust_store.h"
#include "json.h"

#include <stdlib.h>

#define SECTOR 4096u
#define OFFSET 1024u

static uint8_t flash[OFFSET + 2 * SECTOR];
static uint32_t fails_from = UINT32_MAX;

static bool read_flash(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  (void)context;
  if (offset + length > fails_from || offset > sizeof flash || length > sizeof flash - offset) return false;
  memcpy(bytes, flash + offset, length);
  return true;
}

static const mayday_port port = {.flash_read = read_flash};
static const uint32_t offsets[2] = {OFFSET, OFFSET + SECTOR};

static void erase(unsigned which, uint8_t erased) {
  memset(flash + OFFSET + which * SECTOR, erased, SECTOR);
}

static void place(unsigned which, const json *parts) {
  size_t at = OFFSET + which * SECTOR;
  JSON_EACH(part, parts) at += json_hex(part, flash + at, 512);
}

static bool read_keys(const json *vector, mayday_key *keys, uint8_t *count) {
  const json *unit = json_find(vector, "writeSize");
  const json *erased = json_find(vector, "erasedByte");
  return mayday_trust_store_read(&port, offsets, unit == NULL ? 1 : (uint16_t)unit->number,
                                 erased == NULL ? 0xff : (uint8_t)erased->number, keys, count);
}

static void check_keys(const json *vector, const mayday_key *keys, uint8_t count) {
  const char *name = json_text(vector, "name");
  const json *expected = json_get(vector, "keys");
  CHECK(count == expected->count, "%s: the store has %u keys", name, (unsigned)count);
  unsigned i = 0;
  JSON_EACH(key, expected) {
    uint8_t bytes[32], roles = 0;
    json_hex(json_get(key, "publicKey"), bytes, sizeof bytes);
    JSON_EACH(role, json_get(key, "roles")) roles = (uint8_t)(roles | (strcmp(role->text, "app") == 0 ? 1 : 2));
    const json *counter = json_find(key, "maxCounter"), *step = json_find(key, "maxStep");
    CHECK(memcmp(keys[i].bytes, bytes, 32) == 0, "%s: key %u is right", name, i);
    CHECK(keys[i].roles == roles, "%s: the roles of key %u are %u", name, i, (unsigned)keys[i].roles);
    CHECK(keys[i].counter_max == (counter == NULL ? UINT32_MAX : (uint32_t)counter->number), "%s: largest counter of key %u",
          name, i);
    CHECK(keys[i].step_max == (step == NULL ? MAYDAY_STEP_DEFAULT : (uint32_t)step->number), "%s: largest step of key %u", name, i);
    i++;
  }
}

/* A store with as many entries as fit, each as the first one of the vectors with another first byte of its key. */
static void check_full(const json *one_key) {
  uint8_t parts[2][64];
  size_t i = 0;
  mayday_key keys[MAYDAY_TRUST_ENTRIES_MAX];
  uint8_t count;
  JSON_EACH(part, json_get(one_key, "partsHex")) json_hex(part, parts[i++], 64);
  erase(0, 0xff);
  erase(1, 0xff);
  for (uint8_t entries = 7; entries <= 9; entries++) {
    uint8_t *at = flash + OFFSET;
    parts[0][12] = entries;
    mayday_put32(parts[0] + 28, mayday_crc32(0, parts[0], 28));
    memcpy(at, parts[0], 32);
    at += 32;
    for (uint8_t entry = 0; entry < entries; entry++, at += 64) {
      parts[1][28] = entry;
      mayday_put32(parts[1] + 60, mayday_crc32(0, parts[1], 60));
      memcpy(at, parts[1], 64);
    }
    const bool is_right = mayday_trust_store_read(&port, offsets, 16, 0xff, keys, &count);
    CHECK(is_right == (entries <= 8) && count == (entries <= 8 ? entries : 0), "a store of %u keys", (unsigned)entries);
    CHECK(!is_right || keys[entries - 1].bytes[0] == entries - 1, "the last of %u keys is read", (unsigned)entries);
  }
}

/* Points at the edges: y of 0, 1, -1 and what is beside them, and of order 8. */
static void check_points(void) {
  static const struct {
    uint8_t first, middle, last;
    bool is_sound;
  } points[] = {
      {0x00, 0x00, 0x00, false}, {0x01, 0x00, 0x00, false}, {0x02, 0x00, 0x00, true},  {0xff, 0x00, 0x00, true},
      {0x00, 0x00, 0x01, true},  {0x01, 0x00, 0x7f, true},  {0xeb, 0xff, 0x7f, true},  {0xec, 0xff, 0x7f, false},
      {0xed, 0xff, 0x7f, false}, {0xee, 0xff, 0x7f, false}, {0xff, 0xff, 0x7f, false}, {0xff, 0xff, 0x7e, true},
      {0xff, 0xfe, 0x7f, true},  {0xec, 0xff, 0x00, true},  {0x01, 0x01, 0x00, true},
  };
  static const char order_8[2][33] = {
      "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
      "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a"};
  for (unsigned sign = 0; sign < 256; sign += 128) {
    uint8_t key[32];
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
      memset(key, points[i].middle, sizeof key);
      key[0] = points[i].first;
      key[31] = (uint8_t)(points[i].last | sign);
      CHECK(mayday_key_is_sound(key) == points[i].is_sound, "point %zu with the sign %u", i, sign);
    }
    for (int i = 0; i < 2; i++) {
      memcpy(key, order_8[i], 32);
      key[31] = (uint8_t)(key[31] | sign);
      CHECK(!mayday_key_is_sound(key), "point %d of order 8", i);
      key[30] ^= 1;
      CHECK(mayday_key_is_sound(key), "a point beside number %d of order 8", i);
    }
  }
}

int main(int argc, char **argv) {
  const json *stores = json_load(argc > 1 ? argv[1] : "../vectors", "trust-store.json");
  mayday_key keys[MAYDAY_TRUST_ENTRIES_MAX];
  uint8_t count = 99;
  const json *latest = NULL, *any = NULL;
  JSON_EACH(vector, json_get(stores, "stores")) {
    const uint8_t erased = (uint8_t)json_u64(vector, "erasedByte");
    for (unsigned which = 0; which < 2; which++) {
      erase(0, erased);
      erase(1, erased);
      place(which, json_get(vector, "partsHex"));
      CHECK(read_keys(vector, keys, &count), "%s: the store in sector %u counts", json_text(vector, "name"), which);
      check_keys(vector, keys, count);
    }
    /* One byte of the write unit behind the last part is written. */
    const uint32_t unit = (uint32_t)json_u64(vector, "writeSize");
    const uint32_t entries = (uint32_t)json_get(vector, "keys")->count;
    const uint32_t end = (unit > 32 ? unit : 32) + entries * (unit > 64 ? unit : 64);
    if (unit > 64) {
      flash[OFFSET + SECTOR + end - 1] ^= 0x10;
      CHECK(!read_keys(vector, keys, &count) && count == 0, "%s: what fills up the last unit has to be erased", json_text(vector, "name"));
    }
    if (unit == 16) latest = any == NULL ? vector : latest;
    any = vector;
  }
  JSON_EACH(vector, json_get(stores, "refused")) {
    erase(0, 0xff);
    erase(1, 0xff);
    place(0, json_get(vector, "partsHex"));
    CHECK(!read_keys(vector, keys, &count), "a store with %s does not count", json_text(vector, "name"));
    CHECK(count == 0, "a store with %s has no key", json_text(vector, "name"));
  }
  /* Two stores of the same write unit: the higher sequence number holds, wherever it lies; a wrong one does not matter. */
  const json *second = json_get(stores, "stores")->first->next;
  CHECK(latest != NULL && json_u64(latest, "sequence") < json_u64(second, "sequence"), "the first two stores can be compared");
  for (unsigned which = 0; which < 2; which++) {
    erase(0, 0xff);
    erase(1, 0xff);
    place(which, json_get(latest, "partsHex"));
    place(1 - which, json_get(second, "partsHex"));
    CHECK(read_keys(second, keys, &count), "of two stores one counts");
    check_keys(second, keys, count);
    flash[OFFSET + (1 - which) * SECTOR + 40] ^= 1;
    CHECK(read_keys(latest, keys, &count) && count == 0, "a store that is wrong does not hide the other one in sector %u", which);
  }
  check_full(second);
  check_points();
  fails_from = 0;
  CHECK(!read_keys(second, keys, &count) && count == 0, "no key is trusted when flash cannot be read");
  return check_end("trust store");
}
