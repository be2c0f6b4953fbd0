/* Trust stores in flash (PROTOCOL.md 13.6). */
#include "check.h"
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
  fails_from = 0;
  CHECK(!read_keys(second, keys, &count) && count == 0, "no key is trusted when flash cannot be read");
  return check_end("trust store");
}
