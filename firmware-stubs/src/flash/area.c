#include "flash/area.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/record.h"
#include "mayday/manifest.h"

#define HEADER_LENGTH 16u

/* "MDMF", format 1. */
static const uint8_t start[6] = {0x4d, 0x44, 0x4d, 0x46, 0x01, 0x00};

/* Bytes from the header to the envelope: whole write units. */
static uint16_t header_span(const mayday_board *board) {
  return board->layout->write_unit > HEADER_LENGTH ? board->layout->write_unit : HEADER_LENGTH;
}

static bool place_of(const mayday_board *board, uint8_t area, uint32_t *offset) {
  if (area >= mayday_area_count(board->layout)) return false;
#if MAYDAY_WITH_RECORD_MANIFESTS
  if (mayday_has_places(board->layout)) return mayday_record_place(board, area, offset);
#endif
  *offset = board->map.areas[area];
  return true;
}

static void make_header(uint8_t header[HEADER_LENGTH], const uint8_t *envelope, uint16_t length) {
  memcpy(header, start, sizeof start);
  mayday_put16(header + 6, length);
  mayday_put32(header + 8, mayday_crc32(mayday_crc32(0, header, 8), envelope, length));
  memset(header + 12, 0xff, 4);
}

uint16_t mayday_area_read(const mayday_board *board, uint8_t area, uint8_t *envelope) {
  uint8_t header[HEADER_LENGTH];
  uint8_t right[HEADER_LENGTH];
  uint32_t offset;
  if (!place_of(board, area, &offset) || !mayday_flash_read(board, offset, header, sizeof header)) return 0;
  uint16_t length = mayday_u16(header + 6);
  if (length < MAYDAY_ENVELOPE_MIN || length > MAYDAY_ENVELOPE_MAX) return 0;
  if (!mayday_flash_read(board, offset + header_span(board), envelope, length)) return 0;
  make_header(right, envelope, length);
  return memcmp(header, right, 12) == 0 ? length : 0;
}

bool mayday_area_holds(const mayday_board *board, uint8_t area, const uint8_t *envelope, uint16_t length) {
  uint8_t right[HEADER_LENGTH];
  uint32_t offset;
  make_header(right, envelope, length);
  return place_of(board, area, &offset) && mayday_flash_holds(board, offset, right, 12) &&
         mayday_flash_holds(board, offset + header_span(board), envelope, length);
}

/* Programs bytes, filled up to whole write units. */
static bool program(mayday_board *board, uint32_t offset, const uint8_t *bytes, uint16_t length) {
  uint8_t unit[MAYDAY_WRITE_UNIT_MAX];
  uint16_t rest = length & (uint16_t)(board->layout->write_unit - 1u);
  uint16_t whole = (uint16_t)(length - rest);
  if (!mayday_flash_program(board, offset, bytes, whole)) return false;
  if (rest == 0) return true;
  memset(unit, board->layout->erased, sizeof unit);
  memcpy(unit, bytes + whole, rest);
  return mayday_flash_program(board, offset + whole, unit, board->layout->write_unit);
}

/* An erased place for the manifest of an area. */
static bool erase(mayday_board *board, uint8_t area, uint32_t *offset) {
#if MAYDAY_WITH_RECORD_MANIFESTS
  if (mayday_has_places(board->layout)) return mayday_record_blank_place(board, area, offset);
#endif
  return place_of(board, area, offset) && mayday_flash_erase(board, *offset);
}

bool mayday_area_write(mayday_board *board, uint8_t area, const uint8_t *envelope, uint16_t length) {
  uint8_t header[HEADER_LENGTH];
  uint32_t offset;
  if (!erase(board, area, &offset)) return false;
  /* The header last: it says that the envelope is complete. */
  make_header(header, envelope, length);
  return program(board, offset + header_span(board), envelope, length) && program(board, offset, header, HEADER_LENGTH);
}

bool mayday_area_sector(const mayday_board *board, uint8_t area, mayday_sector_range *sector) {
  if (mayday_has_places(board->layout) || area >= mayday_area_count(board->layout)) return false;
  *sector = mayday_sectors_of(board->layout, board->map.areas[area], 1);
  return true;
}
