/* Entries of the boot record: vectors/boot-record.json (PROTOCOL.md 13.2.2). */
#include "base/bytes.h"
#include "check.h"
#include "flash/entry.h"
#include "flash/record_state.h"
#include "json.h"

static bool has_flag(const json *entry, const char *flag) {
  JSON_EACH(item, json_get(entry, "flags")) {
    if (strcmp(item->text, flag) == 0) return true;
  }
  return false;
}

static void read_range(const json *list, mayday_sector_range *range) {
  range->first = (mayday_sector_number)list->first->number;
  range->last = (mayday_sector_number)list->first->next->number;
}

/* Builds the entry that a vector describes. Returns whether it has a digest. */
static bool build(const json *entry, uint8_t out[32], uint8_t digest[32]) {
  const char *tag = json_text(entry, "tag");
  bool has_digest = json_find(entry, "digest") != NULL && json_hex(json_get(entry, "digest"), digest, 32) == 32;
  if (strcmp(tag, "header") == 0) {
    mayday_entry_header(out, (uint8_t)json_u64(entry, "count"));
  } else if (strcmp(tag, "seal") == 0) {
    mayday_entry_begin(out, MAYDAY_ENTRY_SEAL);
  } else if (strcmp(tag, "installed") == 0 || strcmp(tag, "slot") == 0) {
    mayday_slot_record record = {0};
    if (has_flag(entry, "confirmed")) record.flags |= MAYDAY_SLOT_CONFIRMED;
    if (has_flag(entry, "reverted")) record.flags |= MAYDAY_SLOT_REVERTED;
    if (has_flag(entry, "unproven")) record.flags |= MAYDAY_SLOT_UNPROVEN;
    record.area = (uint8_t)json_u64(entry, "area");
    record.boots = (uint8_t)json_u64(entry, "attempts");
    record.rank = (uint32_t)json_u64(entry, "rank");
    uint8_t type = strcmp(tag, "slot") == 0 ? MAYDAY_ENTRY_SLOT : MAYDAY_ENTRY_INSTALLED;
    mayday_entry_slot(out, type, (uint8_t)json_u64(entry, "slot"), &record, (uint32_t)json_u64(entry, "floor"));
  } else if (strcmp(tag, "receiving") == 0) {
    mayday_entry_receiving(out, (uint8_t)json_u64(entry, "slot"), (uint8_t)json_u64(entry, "area"));
  } else if (strcmp(tag, "sectors") == 0) {
    mayday_sector_range open, close;
    const json *opened = json_find(entry, "open");
    const json *closed = json_find(entry, "close");
    if (opened != NULL) read_range(opened, &open);
    if (closed != NULL) read_range(closed, &close);
    mayday_entry_sectors(out, opened == NULL ? NULL : &open, closed == NULL ? NULL : &close);
  } else if (strcmp(tag, "floor") == 0) {
    mayday_entry_begin(out, MAYDAY_ENTRY_FLOOR);
    mayday_put32(out + MAYDAY_ENTRY_AT_B, (uint32_t)json_u64(entry, "floor"));
    out[MAYDAY_ENTRY_AT_COUNT] = json_bool(entry, "wasConfirmed") ? 1 : 0;
  } else if (strcmp(tag, "failed") == 0) {
    uint8_t short_digest[8];
    mayday_entry_begin(out, MAYDAY_ENTRY_FAILED);
    json_hex(json_get(entry, "digest"), short_digest, 8);
    memcpy(out + MAYDAY_ENTRY_AT_BYTES, short_digest, 8);
    out[MAYDAY_ENTRY_AT_COUNT] = (uint8_t)json_u64(entry, "count");
    return false;
  } else if (strcmp(tag, "order") == 0) {
    mayday_order order;
    const json *version = json_find(entry, "version");
    if (version == NULL) {
      mayday_entry_order(out, NULL);
    } else {
      order.sequence = json_u64(entry, "sequence");
      int i = 0;
      JSON_EACH(part, version) order.version[i++] = (uint16_t)part->number;
      mayday_entry_order(out, &order);
    }
  } else if (strcmp(tag, "digest") == 0) {
    mayday_entry_begin(out, MAYDAY_ENTRY_DIGEST);
    json_hex(json_get(entry, "rest"), out + MAYDAY_ENTRY_AT_BYTES, 20);
  } else if (strcmp(tag, "nonces") == 0) {
    mayday_entry_nonces(out, (uint32_t)json_u64(entry, "starts"));
  } else {
    CHECK(false, "the tag %s is known", tag);
  }
  return has_digest;
}

static void check_entry(const json *vector) {
  uint8_t expected[32], before[32], out[32], out_before[32], digest[32], read[32];
  const char *name = json_text(vector, "name");
  uint32_t sequence = (uint32_t)json_u64(vector, "sequence");
  CHECK(json_hex(json_get(vector, "entryHex"), expected, 32) == 32, "%s has 32 bytes", name);
  bool has_digest = build(json_get(vector, "entry"), out, digest);
  if (has_digest) mayday_entry_set_digest(out, out_before, digest);
  mayday_entry_finish(out, sequence);
  CHECK(memcmp(out, expected, 32) == 0, "%s is written as the vector says", name);
  CHECK(mayday_entry_is_right(expected), "%s is right", name);
  const json *hex = json_find(vector, "beforeHex");
  CHECK((hex != NULL) == has_digest, "%s has a digest entry if it names an image", name);
  if (hex != NULL) {
    json_hex(hex, before, 32);
    mayday_entry_finish(out_before, sequence - 1u);
    CHECK(memcmp(before, out_before, 32) == 0, "the digest entry before %s is written as the vector says", name);
    mayday_entry_get_digest(expected, before, read);
    CHECK(memcmp(read, digest, 32) == 0, "the digest of %s is read", name);
  }
  for (int bit = 0; bit < 256; bit++) {
    memcpy(read, expected, 32);
    read[bit / 8] ^= (uint8_t)(1 << bit % 8);
    CHECK(!mayday_entry_is_right(read), "%s is not right with another bit %d", name, bit);
  }
}

static void check_refused(const json *vector) {
  uint8_t entry[32], before[32];
  json_hex(json_get(vector, "entryHex"), entry, 32);
  const json *hex = json_find(vector, "beforeHex");
  bool is_right = mayday_entry_is_right(entry);
  if (is_right && mayday_entry_names_image(entry[0])) {
    /* Right by itself: it is the entry before it that lacks. The journal looks at that; record-v1.json checks it there. */
    is_right = hex != NULL && json_hex(hex, before, 32) == 32 && mayday_entry_is_right(before) &&
               before[0] == MAYDAY_ENTRY_DIGEST && mayday_u32(before + 4) + 1u == mayday_u32(entry + 4);
  }
  CHECK(!is_right, "%s is not right", json_text(vector, "name"));
}

int main(int argc, char **argv) {
  const json *file = json_load(argc > 1 ? argv[1] : "vectors", "boot-record.json");
  CHECK(json_get(file, "entries")->count >= 18, "there are entries");
  CHECK(json_get(file, "refused")->count >= 20, "there are refused entries");
  JSON_EACH(vector, json_get(file, "entries")) check_entry(vector);
  JSON_EACH(vector, json_get(file, "refused")) check_refused(vector);
  return check_end("boot record entries");
}
