/* Makes packets: reads blocks, hashes runs, and finds what is uniform (PROTOCOL.md 4.4 to 4.6, 7.2 to 7.5). */
#include "session/rescuer_parts.h"

#include "base/bytes.h"
#include "base/sha256.h"

#define INDEX_BITS 24u
#define INDEX_MASK UINT32_C(0xffffff)
#define LEAF_MARK 0x00u
/* With a table of leaves, so many are folded in a poll. */
#define LEAVES_A_POLL 64u

enum { LOOKING, HASHING };

mayday_shape mayday_rescuer_shape(const mayday_rescuer *rescuer) {
  mayday_shape shape;
  shape.size = rescuer->source->manifest->size;
  shape.leaves = rescuer->leaves;
  shape.block_log2 = rescuer->source->manifest->block_log2;
  return shape;
}

static bool read(mayday_rescuer *rescuer, uint32_t offset, uint8_t *bytes, uint32_t length) {
  if (rescuer->source->read(rescuer->source->context, offset, bytes, (size_t)length)) return true;
  rescuer->bye_reason = MAYDAY_BYE_REASON_FAILED;
  mayday_rescuer_lose(rescuer, MAYDAY_END_SOURCE, 0);
  mayday_rescuer_say(rescuer, MAYDAY_DUE_BYE);
  return false;
}

/* The packet buffer is free for it: nothing goes out, and a run that is made is not begun. */
bool mayday_rescuer_is_uniform(mayday_rescuer *rescuer, uint32_t block, bool is_first, uint8_t *value) {
  mayday_shape shape = mayday_rescuer_shape(rescuer);
  uint32_t length = mayday_block_length(&shape, block), at = block << shape.block_log2;
  uint8_t *piece = rescuer->packet;
  while (length > 0) {
    uint32_t part = mayday_least32(length, sizeof rescuer->packet);
    /* Most blocks differ within a few bytes. */
    if (at == block << shape.block_log2) part = mayday_least32(part, 32);
    if (!read(rescuer, at, piece, part)) return false;
    if (is_first) *value = piece[0];
    is_first = false;
    for (uint32_t i = 0; i < part; i++) {
      if (piece[i] != *value) return false;
    }
    at += part;
    length -= part;
  }
  return true;
}

static void hand_over(mayday_rescuer *rescuer, const mayday_chunk *chunk, const mayday_frame *frame) {
  size_t length = mayday_frame_write(frame, rescuer->packet, sizeof rescuer->packet - MAYDAY_CRC_LENGTH);
  (void)mayday_sender_sent(&rescuer->sender, rescuer->now, chunk, rescuer->now);
  rescuer->is_out_packet = true;
#if MAYDAY_WITH_FEC
  mayday_rescuer_hand_over(rescuer, rescuer->packet, length, rescuer->tag, chunk->mendable);
#else
  mayday_rescuer_hand_over(rescuer, rescuer->packet, length, rescuer->tag, 0);
#endif
}

static void send_probe(mayday_rescuer *rescuer) {
  const mayday_chunk probe = {.item = MAYDAY_NO_ITEM};
  mayday_frame frame;
  frame.kind = MAYDAY_PROBE;
  frame.as.probe.packet = (uint16_t)(rescuer->sender.next & 0xfffu);
  /* Not in the packet buffer, where a run may be in the making. */
  size_t length = mayday_frame_write(&frame, rescuer->message, sizeof rescuer->message - MAYDAY_CRC_LENGTH);
  (void)mayday_sender_sent(&rescuer->sender, rescuer->now, &probe, rescuer->now);
  rescuer->is_out_packet = true;
  mayday_rescuer_hand_over(rescuer, rescuer->message, length, rescuer->tag, mayday_rescuer_form(rescuer, MAYDAY_PROBE));
}

static void send_block(mayday_rescuer *rescuer, const mayday_chunk *chunk) {
  const mayday_item *item = &rescuer->sender.items[chunk->item];
  uint8_t log2 = rescuer->source->manifest->block_log2;
  uint32_t from = (uint32_t)chunk->from * MAYDAY_CHUNK_UNIT;
  uint8_t *payload = rescuer->packet + MAYDAY_DATA_HEADER_LENGTH;
  if (item->codec == MAYDAY_CODEC_UNIFORM) payload[0] = item->value;
  else if (!read(rescuer, (item->name << log2) + from, payload, chunk->length)) return;
  mayday_frame frame;
  frame.kind = MAYDAY_DATA;
  frame.as.data.packet = (uint16_t)(rescuer->sender.next & 0xfffu);
  frame.as.data.attempt = item->attempt & 1u;
  frame.as.data.codec = item->codec;
  frame.as.data.position = (uint16_t)(((item->name << (log2 - 5u)) + chunk->from) & 0xffffu);
  frame.as.data.payload = payload;
  frame.as.data.length = chunk->length;
  hand_over(rescuer, chunk, &frame);
}

static void send_object(mayday_rescuer *rescuer, const mayday_chunk *chunk, const uint8_t *payload) {
  const mayday_item *item = &rescuer->sender.items[chunk->item];
  mayday_frame frame;
  frame.kind = MAYDAY_OBJECT;
  frame.as.object.packet = (uint16_t)(rescuer->sender.next & 0xfffu);
  frame.as.object.object_kind = item->codec == MAYDAY_CODEC_UNIFORM ? MAYDAY_OBJECT_KIND_UNIFORM : item->kind;
  frame.as.object.level = (uint8_t)(item->name >> INDEX_BITS);
  frame.as.object.index = item->name & INDEX_MASK;
  frame.as.object.offset = (uint16_t)(chunk->from * MAYDAY_CHUNK_UNIT);
  frame.as.object.total = (uint16_t)item->length;
  frame.as.object.payload = payload;
  frame.as.object.length = chunk->length;
  hand_over(rescuer, chunk, &frame);
}

/* One block of those below the node: whether all have the same bytes. */
static void look(mayday_rescuer *rescuer, mayday_item *item) {
  mayday_making *making = &rescuer->making;
  uint8_t level = (uint8_t)(item->name >> INDEX_BITS);
  uint32_t first = (item->name & INDEX_MASK) << level;
  uint32_t end = mayday_least32(rescuer->leaves - first, UINT32_C(1) << level) + first;
  if (!mayday_rescuer_is_uniform(rescuer, making->block, making->block == first, &making->value)) {
    making->is_on = false;
    item->codec = MAYDAY_CODEC_RAW;
  } else if (++making->block == end) {
    making->is_on = false;
    item->codec = MAYDAY_CODEC_UNIFORM;
    item->value = making->value;
    mayday_sender_set_length(&rescuer->sender, making->chunk.item, 1);
  }
}

/* The hash of a block, into `out`, which has 32 bytes; read in pieces of `room` bytes to `piece`. */
static bool hash_block(mayday_rescuer *rescuer, uint32_t block, uint8_t *piece, uint32_t room, uint8_t *out) {
  const mayday_hash *hash = mayday_hash_of(rescuer->port);
  mayday_shape shape = mayday_rescuer_shape(rescuer);
  uint32_t length = mayday_block_length(&shape, block), at = block << shape.block_log2;
  const uint8_t mark = LEAF_MARK;
  mayday_hash_state state;
  if (rescuer->source->leaves != NULL) {
    memcpy(out, rescuer->source->leaves + (size_t)block * MAYDAY_HASH_LENGTH, MAYDAY_HASH_LENGTH);
    return true;
  }
  hash->begin(&state);
  hash->add(&state, &mark, 1);
  while (length > 0) {
    uint32_t part = mayday_least32(length, room);
    if (!read(rescuer, at, piece, part)) return false;
    hash->add(&state, piece, (size_t)part);
    at += part;
    length -= part;
  }
  hash->end(&state, out);
  return true;
}

/* Makes one of the last two hashes. */
static void join_two(const mayday_hash *hash, mayday_rescuer *rescuer) {
  uint8_t *right = rescuer->fold + MAYDAY_HASH_LENGTH * --rescuer->making.hashes;
  mayday_node_hash(hash, right - MAYDAY_HASH_LENGTH, right, right - MAYDAY_HASH_LENGTH);
}

/* Hashes one block of the chunk, and folds it with those before it. */
static void hash_one(mayday_rescuer *rescuer) {
  mayday_making *making = &rescuer->making;
  const mayday_hash *hash = mayday_hash_of(rescuer->port);
  const mayday_item *item = &rescuer->sender.items[making->chunk.item];
  mayday_shape shape = mayday_rescuer_shape(rescuer);
  uint8_t run_level = mayday_run_level((uint8_t)(item->name >> INDEX_BITS));
  uint32_t first, block = making->block;
  (void)mayday_run_length(&shape, (uint8_t)(item->name >> INDEX_BITS), item->name & INDEX_MASK, &first);
  /* A unit of the chunk is a hash. */
  uint32_t done = making->node - first - making->chunk.from;
  uint8_t *payload = rescuer->packet + MAYDAY_OBJECT_HEADER_LENGTH;
  uint8_t *rest = payload + MAYDAY_HASH_LENGTH * done;
  uint32_t room = MAYDAY_RESCUER_PAYLOAD - MAYDAY_HASH_LENGTH * done;
  uint8_t *top = rescuer->fold + MAYDAY_HASH_LENGTH * making->hashes;
  if (!hash_block(rescuer, block, rest, room, top)) return;
  making->hashes++;
  making->block++;
  for (uint32_t i = block & ((UINT32_C(1) << run_level) - 1u); (i & 1u) != 0; i >>= 1) {
    join_two(hash, rescuer);
  }
  if (making->block < shape.leaves && making->block != (making->node + 1u) << run_level) return;
  while (making->hashes > 1) join_two(hash, rescuer);
  memcpy(rest, rescuer->fold, MAYDAY_HASH_LENGTH);
  making->hashes = 0;
  making->node++;
  if ((done + 1u) * MAYDAY_HASH_LENGTH < making->chunk.length) return;
  making->is_on = false;
  mayday_chunk chunk = making->chunk;
  send_object(rescuer, &chunk, payload);
}

static void begin_run(mayday_rescuer *rescuer, const mayday_chunk *chunk, mayday_item *item, bool is_known) {
  mayday_making *making = &rescuer->making;
  mayday_shape shape = mayday_rescuer_shape(rescuer);
  uint8_t level = (uint8_t)(item->name >> INDEX_BITS);
  uint32_t index = item->name & INDEX_MASK, first;
  (void)mayday_run_length(&shape, level, index, &first);
  making->is_on = true;
  making->age = item->age;
  making->chunk = *chunk;
  making->hashes = 0;
  making->since = rescuer->now;
  making->stage = is_known ? HASHING : LOOKING;
  making->node = first + chunk->from;
  making->block = is_known ? making->node << mayday_run_level(level) : index << level;
}

/* Works on the run in the making; false when its item is gone. */
static bool work(mayday_rescuer *rescuer) {
  mayday_making *making = &rescuer->making;
  mayday_item *item = &rescuer->sender.items[making->chunk.item];
  if (item->kind != MAYDAY_OBJECT_KIND_RUN || item->age != making->age) {
    making->is_on = false;
    return false;
  }
  rescuer->has_worked = true;
  if (making->stage == LOOKING) {
    look(rescuer, item);
    return true;
  }
  for (uint32_t i = 0; i < (rescuer->source->leaves != NULL ? LEAVES_A_POLL : 1u) && making->is_on; i++) hash_one(rescuer);
  return true;
}

static void make(mayday_rescuer *rescuer, const mayday_chunk *chunk) {
  mayday_item *item = &rescuer->sender.items[chunk->item];
  if (item->kind == MAYDAY_ITEM_BLOCK) {
    send_block(rescuer, chunk);
  } else if (item->kind == MAYDAY_OBJECT_KIND_MANIFEST) {
    send_object(rescuer, chunk, rescuer->source->envelope + (uint32_t)chunk->from * MAYDAY_CHUNK_UNIT);
  } else if (item->codec == MAYDAY_CODEC_UNIFORM) {
    send_object(rescuer, chunk, &item->value);
  } else {
    begin_run(rescuer, chunk, item, item->codec != MAYDAY_CODEC_UNDECIDED);
    (void)work(rescuer);
  }
}

void mayday_rescuer_make_packet(mayday_rescuer *rescuer) {
  mayday_chunk chunk;
  /* What was hashed for a target that became busy is hashed again. */
  if (rescuer->sender.is_paused) rescuer->making.is_on = false;
  if (rescuer->making.is_on) {
    if (rescuer->sender.is_asked) {
      send_probe(rescuer);
      return;
    }
    if (work(rescuer)) return;
  }
  bool is_tail = mayday_rescuer_fill(rescuer);
  if (rescuer->state != MAYDAY_RESCUER_SERVING) return;
  if (!mayday_sender_next(&rescuer->sender, rescuer->now, is_tail, &chunk)) return;
  if (chunk.item == MAYDAY_NO_ITEM) send_probe(rescuer);
  else make(rescuer, &chunk);
}
