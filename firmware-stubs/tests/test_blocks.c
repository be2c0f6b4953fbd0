/* Where chunks of blocks and objects belong: `positions` of vectors/link-v1.json, `assembled` of codecs-v1.json, and chunks that
 * nobody should send. */
#include "base/bytes.h"
#include "check.h"
#include "json.h"
#include "session/blocks.h"
#include "session/objects.h"

#include <stdlib.h>

#define MARK 0xa5u

static mayday_frame chunk_at(uint16_t position, uint8_t attempt, const uint8_t *payload, uint16_t length) {
  mayday_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.kind = MAYDAY_DATA;
  frame.as.data.position = position;
  frame.as.data.attempt = attempt;
  frame.as.data.codec = MAYDAY_CODEC_RAW;
  frame.as.data.payload = payload;
  frame.as.data.length = length;
  return frame;
}

/* Opens the blocks that a vector grants, with its attempts; each buffer is zeros. */
static void open_all(mayday_blocks *blocks, const mayday_shape *shape, const json *granted, uint8_t *memory, size_t size) {
  memset(memory, 0, size);
  mayday_blocks_init(blocks, memory, UINT32_C(1) << shape->block_log2, (uint32_t)size);
  JSON_EACH(entry, granted) {
    uint32_t number = (uint32_t)entry->first->number;
    mayday_open_block *block = mayday_blocks_free(blocks);
    CHECK(block != NULL && mayday_blocks_may_open(blocks, number), "there is a buffer for block %lu", (unsigned long)number);
    if (block == NULL) return;
    block->number = number;
    mayday_block_open(blocks, block, mayday_block_length(shape, number), false);
    /* Each attempt but the first one is one that failed. */
    uint32_t attempt = entry->count > 1 ? (uint32_t)entry->first->next->number : 0;
    block->failures = (uint8_t)((attempt - number * blocks->block / MAYDAY_POSITION_SPAN % 2u) & 15u);
  }
}

/* The block and the offset that a chunk of MARK went to; false: nowhere. */
static bool find_mark(const mayday_blocks *blocks, uint32_t *number, uint32_t *offset) {
  for (uint8_t i = 0; i < blocks->max; i++) {
    if (blocks->open[i].state == MAYDAY_BLOCK_FREE) continue;
    const uint8_t *bytes = mayday_block_bytes(blocks, &blocks->open[i]);
    for (uint32_t at = 0; at < blocks->block; at++) {
      if (bytes[at] != MARK) continue;
      *number = blocks->open[i].number;
      *offset = at;
      return true;
    }
  }
  return false;
}

static void check_positions(const json *link) {
  static uint8_t payload[65536];
  size_t size = MAYDAY_OPEN_BLOCKS_MAX * MAYDAY_BLOCK_ROOM(65536u);
  uint8_t *memory = malloc(size);
  memset(payload, MARK, sizeof payload);
  JSON_EACH(vector, json_get(link, "positions")) {
    mayday_shape shape;
    shape.size = (uint32_t)json_u64(vector, "imageSize");
    shape.block_log2 = 10;
    while (UINT32_C(1) << shape.block_log2 < json_u64(vector, "blockSize")) shape.block_log2++;
    shape.leaves = ((shape.size - 1u) >> shape.block_log2) + 1u;
    JSON_EACH(chunk, json_get(vector, "chunks")) {
      mayday_blocks blocks;
      open_all(&blocks, &shape, json_get(vector, "granted"), memory, size);
      mayday_frame frame = chunk_at((uint16_t)json_u64(chunk, "position"), (uint8_t)json_u64(chunk, "attempt"), payload,
                                    (uint16_t)json_u64(chunk, "length"));
      (void)mayday_blocks_take(&blocks, &shape, &frame);
      uint32_t number = 0, offset = 0;
      bool is_taken = find_mark(&blocks, &number, &offset);
      bool is_wanted = json_find(chunk, "block") != NULL;
      CHECK(is_taken == is_wanted, "%s: a chunk at %lu is taken, or dropped", json_text(vector, "name"),
            (unsigned long)json_u64(chunk, "position"));
      if (is_taken && is_wanted)
        CHECK(number == json_u64(chunk, "block") && offset == json_u64(chunk, "offset"), "%s: a chunk at %lu goes to block %lu, offset %lu",
              json_text(vector, "name"), (unsigned long)json_u64(chunk, "position"), (unsigned long)number, (unsigned long)offset);
    }
  }
  free(memory);
}

/* Chunks of coded blocks at a target that takes none: dropped, and what has arrived stays as it is. */
static void check_coded(const json *codecs) {
  static uint8_t memory[MAYDAY_BLOCK_ROOM(1024u)], payload[1024];
  JSON_EACH(vector, json_get(codecs, "assembled")) {
    if (json_u64(vector, "takes") != (1u << MAYDAY_CODEC_RAW | 1u << MAYDAY_CODEC_UNIFORM)) continue;
    const mayday_shape shape = {(uint32_t)json_u64(vector, "length"), 1, 10};
    mayday_blocks blocks;
    memset(memory, 0, sizeof memory);
    mayday_blocks_init(&blocks, memory, 1024, sizeof memory);
    mayday_open_block *block = mayday_blocks_free(&blocks);
    block->number = 0;
    mayday_block_open(&blocks, block, shape.size, false);
    const json *last = json_find(vector, "completedBy");
    long completed_by = -1, at = 0;
    JSON_EACH(chunk, json_get(vector, "chunks")) {
      const size_t length = json_hex(json_get(chunk, "payload"), payload, sizeof payload);
      mayday_frame frame = chunk_at((uint16_t)(json_u64(chunk, "offset") / MAYDAY_CHUNK_UNIT), (uint8_t)json_u64(chunk, "attempt"), payload,
                                    (uint16_t)length);
      frame.as.data.codec = (uint8_t)json_u64(chunk, "codec");
      if (mayday_blocks_take(&blocks, &shape, &frame) && completed_by < 0) completed_by = at;
      at++;
    }
    CHECK(completed_by == (last == NULL ? -1 : (long)last->number), "%s: chunk %ld completes the block", json_text(vector, "name"),
          completed_by);
  }
}

static void check_block(void) {
  static uint8_t memory[2u * MAYDAY_BLOCK_ROOM(1024u) + 64u], payload[2048];
  mayday_blocks blocks;
  const mayday_shape shape = {2500, 3, 10};
  memset(memory, 0x11, sizeof memory);
  memset(payload, MARK, sizeof payload);
  mayday_blocks_init(&blocks, memory, 1024, 2u * MAYDAY_BLOCK_ROOM(1024u));
  mayday_open_block *block = mayday_blocks_free(&blocks);
  block->number = 2;
  mayday_block_open(&blocks, block, 452, false);
  mayday_frame frame = chunk_at(64, 0, payload, 480);
  CHECK(!mayday_blocks_take(&blocks, &shape, &frame) && block->missing == 15, "a chunk longer than its block is dropped");
  frame = chunk_at(64 + 14, 0, payload, 36);
  CHECK(!mayday_blocks_take(&blocks, &shape, &frame) && block->missing == 15, "a chunk past the end of a short block is dropped");
  frame = chunk_at(64, 0, payload, 33);
  CHECK(!mayday_blocks_take(&blocks, &shape, &frame) && block->missing == 15, "a chunk of an odd length within the block is dropped");
  frame = chunk_at(64, 1, payload, 32);
  CHECK(!mayday_blocks_take(&blocks, &shape, &frame) && block->missing == 15, "a chunk of another attempt is dropped");
  frame = chunk_at(64, 0, payload, 32);
  (void)mayday_blocks_take(&blocks, &shape, &frame);
  CHECK(!mayday_blocks_take(&blocks, &shape, &frame) && block->missing == 14, "a chunk that comes twice counts once");
  frame.as.data.codec = MAYDAY_CODEC_UNIFORM;
  frame.as.data.length = 1;
  CHECK(!mayday_blocks_take(&blocks, &shape, &frame) && block->missing == 14, "a chunk of another codec than the first one is dropped");
  frame = chunk_at(64, 0, payload, 452);
  CHECK(mayday_blocks_take(&blocks, &shape, &frame) && block->state == MAYDAY_BLOCK_COMPLETE, "all of a short block completes it");
  CHECK(!mayday_blocks_take(&blocks, &shape, &frame), "a block that is complete takes no more");
  CHECK(memory[2u * MAYDAY_BLOCK_ROOM(1024u)] == 0x11, "nothing is written behind the buffers");
  CHECK(mayday_block_again(&blocks, block, 452) && block->failures == 1 && block->missing == 15, "a wrong block is asked for again with the next attempt");
  uint8_t entries[50];
  CHECK(mayday_blocks_grant(&blocks, entries) == 1 && entries[0] == 2 && entries[3] == 1 && entries[4] == 0x11, "and in raw chunks only");
  frame = chunk_at(64, 1, payload, 1);
  frame.as.data.codec = MAYDAY_CODEC_UNIFORM;
  CHECK(mayday_blocks_take(&blocks, &shape, &frame), "one byte stands for a uniform block");
  frame = chunk_at(64, 1, payload, 32);
  frame.as.data.codec = MAYDAY_CODEC_DEFLATE;
  (void)mayday_block_again(&blocks, block, 452);
  frame.as.data.attempt = 0;
  CHECK(!mayday_blocks_take(&blocks, &shape, &frame) && block->missing == 15, "a codec that is not known is dropped");
  for (int i = 0; i < 5; i++) CHECK(mayday_block_again(&blocks, block, 452), "a block may be wrong seven times");
  CHECK(!mayday_block_again(&blocks, block, 452), "the eighth time ends the session");
}

static mayday_frame part_of(uint8_t kind, uint16_t offset, uint16_t total, const uint8_t *payload, uint16_t length) {
  mayday_frame frame;
  memset(&frame, 0, sizeof frame);
  frame.kind = MAYDAY_OBJECT;
  frame.as.object.object_kind = kind;
  frame.as.object.offset = offset;
  frame.as.object.total = total;
  frame.as.object.payload = payload;
  frame.as.object.length = length;
  return frame;
}

static void check_object(void) {
  static uint8_t memory[640 + 64], payload[4096];
  mayday_object_buffer buffer;
  memset(memory, 0x11, sizeof memory);
  memset(payload, MARK, sizeof payload);
  mayday_object_init(&buffer, memory, 640);
  static const struct {
    uint16_t offset, total, length;
    const char *what;
  } DROPPED[] = {{0, 641, 32, "an object that is larger than its buffer"}, {0, 0, 32, "an object of nothing"},
                 {640, 640, 32, "a chunk behind the end"},                 {608, 640, 64, "a chunk past the end"},
                 {65504, 640, 64, "a chunk whose end wraps"},              {0, 640, 33, "a chunk of an odd length"},
                 {16, 640, 32, "a chunk at an odd offset"}};
  for (size_t i = 0; i < sizeof DROPPED / sizeof DROPPED[0]; i++) {
    mayday_frame frame = part_of(1, DROPPED[i].offset, DROPPED[i].total, payload, DROPPED[i].length);
    CHECK(!mayday_object_take(&buffer, &frame) && buffer.here[0] == 0, "%s is dropped", DROPPED[i].what);
  }
  CHECK(memory[0] == 0x11 && memory[640] == 0x11, "nothing was written");
  mayday_frame frame = part_of(1, 320, 367, payload, 47);
  CHECK(!mayday_object_take(&buffer, &frame) && buffer.length == 367, "the last chunk may be short, and may come first");
  frame = part_of(1, 0, 367, payload, 320);
  CHECK(mayday_object_take(&buffer, &frame), "the rest completes the object");
  mayday_object_clear(&buffer);
  frame = part_of(1, 0, 367, payload, 320);
  (void)mayday_object_take(&buffer, &frame);
  frame = part_of(1, 320, 352, payload, 32);
  CHECK(!mayday_object_take(&buffer, &frame) && buffer.here[0] == 0 && buffer.here[1] == 1u << 2, "an object of another length starts it over");
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  check_positions(json_load(argv[1], "link-v1.json"));
  check_coded(json_load(argv[1], "codecs-v1.json"));
  check_block();
  check_object();
  return check_end("chunks");
}
