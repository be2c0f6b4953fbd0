/* Whole boot records and manifest areas: vectors/record-v1.json (PROTOCOL.md 13.2, 13.3). */
#include "check.h"
#include "flash/area.h"
#include "flash/flash.h"
#include "flash/record.h"
#include "flash/record_scan.h"
#include "json.h"
#include "ram_flash.h"

#define SECTOR 16384u

static const mayday_sectors sectors[1] = {{2, SECTOR}};
static uint8_t memory[2 * SECTOR];
static ram_flash flash;
static mayday_port port;
static mayday_layout layout;
static mayday_board board;

/* Seals that were programmed before the first sector was erased. */
static uint32_t seals;
static bool is_any_erased;
/* Journals with new seals. */
static uint32_t sealed_again;

static bool count_program(void *context, uint32_t offset, const uint8_t *bytes, size_t length) {
  if (!is_any_erased && bytes[0] == MAYDAY_ENTRY_SEAL) seals++;
  return ram_port(context).flash_program(context, offset, bytes, length);
}

static bool count_erase(void *context, uint32_t offset, uint32_t length) {
  is_any_erased = true;
  return ram_port(context).flash_erase(context, offset, length);
}

/* A board whose record is all there is. */
static void make_board(const json *vector) {
  const char *erased = json_text(vector, "erased");
  flash.bytes = memory;
  flash.size = sizeof memory;
  flash.erased = strcmp(erased, "ff") == 0 ? 0xff : 0x00;
  flash.write_unit = (uint16_t)json_u64(vector, "writeUnit");
  flash.fails_in = -1;
  memset(memory, flash.erased, sizeof memory);
  port = ram_port(&flash);
  port.flash_program = count_program;
  port.flash_erase = count_erase;
  memset(&layout, 0, sizeof layout);
  layout.sectors = sectors;
  layout.sector_runs = 1;
  layout.is_ab = MAYDAY_WITH_AB;
  layout.erased = flash.erased;
  layout.write_unit = flash.write_unit;
  memset(&board, 0, sizeof board);
  board.port = &port;
  board.layout = &layout;
  for (uint32_t i = 0; i < 2; i++) {
    board.map.record[i].offset = i * SECTOR;
    board.map.record[i].size = SECTOR;
  }
  board.map.journal_size = SECTOR;
}

static void fill(uint32_t offset, const json *entries) {
  uint32_t stride = flash.write_unit > 32 ? flash.write_unit : 32;
  JSON_EACH(entry, entries) {
    uint32_t place = (uint32_t)entry->first->number;
    json_hex(entry->first->next, memory + offset + place * stride, 32);
  }
}

static void check_slots(const json *state, const char *name) {
  const json *expected = json_get(state, "slots");
  size_t known = 0;
  for (uint8_t i = 0; i < MAYDAY_SLOTS_MAX; i++) known += board.record.state.slots[i].flags != 0;
  CHECK(known == expected->count, "%s: so many slots are known", name);
  JSON_EACH(item, expected) {
    const mayday_slot_record *slot = &board.record.state.slots[json_u64(item, "slot")];
    uint8_t digest[32];
    bool flags[3] = {false, false, false};
    json_hex(json_get(item, "digest"), digest, 32);
    JSON_EACH(flag, json_get(item, "flags")) {
      flags[strcmp(flag->text, "confirmed") == 0 ? 0 : strcmp(flag->text, "reverted") == 0 ? 1 : 2] = true;
    }
    CHECK(slot->flags != 0 && memcmp(slot->digest, digest, 32) == 0, "%s: the slot's digest", name);
    CHECK(slot->area == json_u64(item, "area") && slot->rank == json_u64(item, "rank"), "%s: the slot's area and rank", name);
    CHECK(slot->boots == json_u64(item, "count"), "%s: the slot's boots", name);
    CHECK(slot->flags == ((flags[0] ? MAYDAY_SLOT_CONFIRMED : 0) | (flags[1] ? MAYDAY_SLOT_REVERTED : 0) |
                          (flags[2] ? MAYDAY_SLOT_UNPROVEN : 0) | MAYDAY_SLOT_KNOWN),
          "%s: the slot's flags", name);
  }
}

static void check_open(const json *expected, const char *name) {
  const mayday_range_set *open = &board.record.state.open;
  CHECK(open->count == expected->count, "%s: so many ranges are open", name);
  uint8_t i = 0;
  JSON_EACH(range, expected) {
    CHECK(i < open->count && open->ranges[i].first == (uint32_t)range->first->number &&
              open->ranges[i].last == (uint32_t)range->first->next->number,
          "%s: open range %u", name, i);
    i++;
  }
}

static void check_state(const json *state, const char *name) {
  const mayday_record_state *found = &board.record.state;
  uint8_t digest[32];
  check_slots(state, name);
  const json *receiving = json_find(state, "receiving");
  CHECK(found->is_receiving == (receiving != NULL), "%s: whether an image is being received", name);
  if (receiving != NULL) {
    json_hex(json_get(receiving, "digest"), digest, 32);
    CHECK(memcmp(found->receiving_digest, digest, 32) == 0, "%s: what is being received", name);
    CHECK(found->receiving_slot == json_u64(receiving, "slot") && found->receiving_area == json_u64(receiving, "area"),
          "%s: where it is received", name);
  }
  check_open(json_get(state, "openSectors"), name);
  CHECK(found->floor == json_u64(state, "floor"), "%s: the floor", name);
  CHECK(found->was_confirmed == json_bool(state, "wasConfirmed"), "%s: whether an image was confirmed and ran", name);
  CHECK(found->starts == json_u64(state, "starts"), "%s: the starts", name);
  CHECK(found->failed_count == json_get(state, "failed")->count, "%s: so many failed images", name);
  uint8_t i = 0;
  JSON_EACH(item, json_get(state, "failed")) {
    json_hex(json_get(item, "digest"), digest, 8);
    CHECK(memcmp(found->failed[i].digest, digest, 8) == 0 && found->failed[i].count == json_u64(item, "count"),
          "%s: failed image %u", name, i);
    i++;
  }
  const json *order = json_find(state, "order");
  CHECK(found->has_given_up == (order != NULL), "%s: whether an order was given up", name);
  if (order == NULL) return;
  CHECK(found->given_up.sequence == json_u64(order, "sequence"), "%s: the order's sequence number", name);
  i = 0;
  JSON_EACH(part, json_get(order, "version")) {
    CHECK(found->given_up.version[i++] == part->number, "%s: the order's version", name);
  }
}

/* A fresh sector gives the same state again, and the other one is blank then. Of two complete sectors the one that holds is sealed
 * again first, as far as it has room, since the seal that decided may be unstable (13.2.1). */
static void check_snapshot(const json *state, const char *name, const mayday_scan scans[2]) {
  uint32_t expected = 0;
  if (scans[0].counts && scans[1].counts)
    expected = (SECTOR - scans[board.record.active].end) / mayday_entry_stride(&layout);
  is_any_erased = false;
  seals = 0;
  CHECK(mayday_record_settle(&board), "%s: a fresh sector can be written", name);
  CHECK(seals == (expected < 2 ? expected : 2), "%s: so many new seals stand before the other sector is erased", name);
  sealed_again += seals > 0;
  CHECK(mayday_flash_is_erased(&board, board.record.active == 0 ? SECTOR : 0, SECTOR), "%s: the sector before is erased", name);
  CHECK(flash.faults == 0, "%s: nothing is programmed twice", name);
  mayday_record_read(&board);
  CHECK(board.record.is_clean, "%s: the fresh record is clean", name);
  check_state(state, name);
}

static void check_journal(const json *vector) {
  const char *name = json_text(vector, "name");
  make_board(vector);
  uint32_t i = 0;
  JSON_EACH(entries, json_get(vector, "sectors")) fill(i++ * SECTOR, entries);
  i = 0;
  mayday_scan scans[2];
  JSON_EACH(counts, json_get(vector, "counts")) {
    mayday_scan_sector(&board, (uint8_t)i, &scans[i], NULL);
    CHECK(scans[i].counts == (counts->kind == JSON_TRUE), "%s: whether sector %u counts", name, i);
    i++;
  }
  mayday_record_read(&board);
  const json *holds = json_find(vector, "holds");
  CHECK(board.record.active == (holds == NULL ? -1 : (int)holds->number), "%s: which sector holds", name);
  check_state(json_get(vector, "state"), name);
  check_snapshot(json_get(vector, "state"), name, scans);
}

static void check_area(const json *vector) {
  const char *name = json_text(vector, "name");
  const json *content = json_get(vector, "envelope");
  uint8_t right[1024], read[640];
  make_board(vector);
  uint32_t at = (uint32_t)json_u64(vector, "envelopeAt");
  uint16_t length = (uint16_t)json_u64(content, "length");
  for (uint16_t i = 0; i < length; i++) right[i] = (uint8_t)(json_u64(content, "start") + i);
  json_hex(json_get(vector, "headerHex"), memory, 16);
  memcpy(memory + at, right, length);
  if (json_find(content, "bitWrongAt") != NULL) memory[at + json_u64(content, "bitWrongAt")] ^= 1;
  bool is_right = json_bool(vector, "readsRight");
  uint16_t found = mayday_area_read(&board, 0, read);
  CHECK((found != 0) == is_right, "%s: whether it reads right", name);
  if (is_right) CHECK(found == length && memcmp(read, right, length) == 0, "%s: the envelope is read", name);
  CHECK(mayday_area_holds(&board, 0, right, length) == is_right, "%s: whether the area holds the envelope", name);
  if (!is_right) return;
  static uint8_t expected[SECTOR];
  memcpy(expected, memory, SECTOR);
  memset(memory, 0x55, SECTOR);
  CHECK(mayday_area_write(&board, 0, right, length), "%s: it can be written", name);
  CHECK(memcmp(memory, expected, SECTOR) == 0, "%s: what is written is what the vector says", name);
  CHECK(flash.faults == 0, "%s: no write unit is programmed twice", name);
}

int main(int argc, char **argv) {
  const json *file = json_load(argc > 1 ? argv[1] : "vectors", "record-v1.json");
  CHECK(json_get(file, "journals")->count >= 100, "there are journals");
  CHECK(json_get(file, "manifestAreas")->count >= 19, "there are manifest areas");
  JSON_EACH(vector, json_get(file, "journals")) check_journal(vector);
  CHECK(sealed_again > 0, "there is a journal with two complete sectors");
  JSON_EACH(vector, json_get(file, "manifestAreas")) check_area(vector);
  return check_end("boot records");
}
