/* What the target of a session wants now, and what of it is on its way (PROTOCOL.md 5.4, 5.9, 5.10). */
#include "session/rescuer_parts.h"

#include "base/bytes.h"

#define ENTRY_LENGTH 5u
#define WANTED_MAX (sizeof ((mayday_rescuer *)0)->wanted / sizeof(uint32_t))
#define GRANTED_MAX 255u
#define INDEX_BITS 24u
#define INDEX_MASK UINT32_C(0xffffff)
#define EARNED_BITS_PER_S 1200u

/* A block of a grant. */
typedef struct granted {
  uint32_t block;
  uint8_t attempt, codecs;
} granted;

/* The block with this number in the grant, all entries counted through; false behind the last one. */
static bool granted_at(const uint8_t *entries, uint8_t count, uint32_t number, granted *out) {
  for (; count > 0; count--, entries += ENTRY_LENGTH) {
    if (number < entries[3]) {
      out->block = mayday_u24(entries) + number;
      out->attempt = entries[4] & 0xfu;
      out->codecs = entries[4] >> 4;
      return true;
    }
    number -= entries[3];
  }
  return false;
}

/* The number of a block in the grant, or `total`, the blocks of it that count. */
static uint32_t number_of(const uint8_t *entries, uint8_t count, uint32_t total, uint32_t block, uint8_t attempt) {
  uint32_t number = 0;
  for (; count > 0; count--, entries += ENTRY_LENGTH) {
    uint32_t first = mayday_u24(entries);
    if (block >= first && block - first < entries[3] && (entries[4] & 0xfu) == attempt) {
      number += block - first;
      return number < total ? number : total;
    }
    number += entries[3];
  }
  return total;
}

static bool is_done(const uint8_t *done, uint32_t number) {
  return (done[number / 8u] & (uint8_t)(1u << (number % 8u))) != 0;
}

static void set_done(uint8_t *done, uint32_t number) {
  done[number / 8u] = (uint8_t)(done[number / 8u] | 1u << (number % 8u));
}

/* Time in which the target may say busy (6.5): what blocks that it got and is done with take at 1200 bit/s, as many as the image
 * has, so that blocks that are asked for again and again earn nothing. */
static void earn(mayday_rescuer *rescuer, uint32_t blocks) {
  if (blocks > rescuer->earning) blocks = rescuer->earning;
  rescuer->earning -= blocks;
  uint32_t ms = ((UINT32_C(10000) << rescuer->source->manifest->block_log2) / EARNED_BITS_PER_S) * blocks;
  rescuer->busy_budget += mayday_least32(ms, UINT32_MAX - rescuer->busy_budget);
}

void mayday_rescuer_take_grant(mayday_rescuer *rescuer, const uint8_t *entries, uint8_t count) {
  uint8_t done[sizeof rescuer->granted_done] = {0};
  uint32_t total = 0, settled = 0;
  granted wish;
  for (uint8_t i = 0; i < count; i++) total += entries[ENTRY_LENGTH * i + 3u];
  total = mayday_least32(total, rescuer->open_blocks);
  for (uint32_t i = 0; i < total && granted_at(entries, count, i, &wish); i++) {
    uint32_t before = number_of(rescuer->grant, rescuer->grant_count, rescuer->granted, wish.block, wish.attempt);
    /* One that does not exist, or that is named twice, is never sent. */
    bool is_void = wish.block >= rescuer->leaves || number_of(entries, count, total, wish.block, wish.attempt) != i;
    if (is_void || (before < rescuer->granted && is_done(rescuer->granted_done, before))) set_done(done, i);
  }
  for (uint32_t i = 0; i < rescuer->granted && granted_at(rescuer->grant, rescuer->grant_count, i, &wish); i++) {
    if (number_of(entries, count, total, wish.block, wish.attempt) < total) continue;
    uint8_t item = mayday_sender_find(&rescuer->sender, MAYDAY_ITEM_BLOCK, wish.block, wish.attempt);
    if (item != MAYDAY_NO_ITEM) mayday_sender_drop(&rescuer->sender, item);
    if (is_done(rescuer->granted_done, i)) settled++;
  }
  earn(rescuer, settled);
  memmove(rescuer->grant, entries, (size_t)count * ENTRY_LENGTH);
  memcpy(rescuer->granted_done, done, sizeof done);
  rescuer->grant_count = count;
  rescuer->granted = (uint8_t)total;
}

bool mayday_rescuer_is_delivered(const mayday_rescuer *rescuer) {
  for (uint32_t i = 0; i < rescuer->granted; i++) {
    if (!is_done(rescuer->granted_done, i)) return false;
  }
  return true;
}

void mayday_rescuer_send_manifest(mayday_rescuer *rescuer) {
  if (rescuer->is_past_manifest) return;
  if (mayday_sender_find(&rescuer->sender, MAYDAY_OBJECT_KIND_MANIFEST, 0, 0) != MAYDAY_NO_ITEM) return;
  (void)mayday_sender_add(&rescuer->sender, MAYDAY_OBJECT_KIND_MANIFEST, 0, 0, rescuer->source->envelope_length);
}

static void want_run(mayday_rescuer *rescuer, uint8_t level, uint32_t index) {
  mayday_shape shape = mayday_rescuer_shape(rescuer);
  uint32_t first, name = (uint32_t)level << INDEX_BITS | index;
  if (mayday_run_length(&shape, level, index, &first) == 0) return;
  if (mayday_sender_find(&rescuer->sender, MAYDAY_OBJECT_KIND_RUN, name, 0) != MAYDAY_NO_ITEM) return;
  for (uint8_t i = 0; i < rescuer->wanted_count; i++) {
    if (rescuer->wanted[i] == name) return;
  }
  if (rescuer->wanted_count < WANTED_MAX) rescuer->wanted[rescuer->wanted_count++] = name;
}

void mayday_rescuer_take_request(mayday_rescuer *rescuer, const mayday_frame *request) {
  const uint8_t *entry = request->as.list.entries;
  for (uint8_t i = 0; i < request->as.list.count; i++, entry += 4) {
    if (entry[0] == MAYDAY_MANIFEST_LEVEL) mayday_rescuer_send_manifest(rescuer);
    else want_run(rescuer, entry[0], mayday_u24(entry + 1));
  }
  for (uint8_t i = 0; i < request->as.list.count; i++) {
    if (request->as.list.entries[4u * i] != MAYDAY_MANIFEST_LEVEL) rescuer->is_past_manifest = true;
  }
}

void mayday_rescuer_take_asks(mayday_rescuer *rescuer, uint8_t asks) {
  uint8_t level = rescuer->root_level;
  if ((asks & MAYDAY_ACCEPT_FLAG_RUN) == 0) return;
  want_run(rescuer, level, 0);
  if ((asks & MAYDAY_ACCEPT_FLAG_PATH) == 0) return;
  while (level > 0) {
    level = mayday_run_level(level);
    want_run(rescuer, level, 0);
  }
  if ((asks & MAYDAY_ACCEPT_FLAG_BLANK) == 0) return;
  uint8_t blocks = (uint8_t)mayday_least32(rescuer->leaves, MAYDAY_RUN_HASHES);
  const uint8_t entry[ENTRY_LENGTH] = {0, 0, 0, blocks, (uint8_t)((asks & MAYDAY_ACCEPT_CODECS) << 4)};
  mayday_rescuer_take_grant(rescuer, entry, 1);
}

/* Gives a place to the first run that waits; false when none is free. */
static bool start_run(mayday_rescuer *rescuer) {
  mayday_shape shape = mayday_rescuer_shape(rescuer);
  uint32_t name = rescuer->wanted[0], first;
  uint8_t hashes = mayday_run_length(&shape, (uint8_t)(name >> INDEX_BITS), name & INDEX_MASK, &first);
  uint8_t item = mayday_sender_add(&rescuer->sender, MAYDAY_OBJECT_KIND_RUN, name, 0, 32u * (uint32_t)hashes);
  if (item == MAYDAY_NO_ITEM) return false;
  rescuer->sender.items[item].codec = MAYDAY_CODEC_UNDECIDED;
  rescuer->wanted_count--;
  memmove(rescuer->wanted, rescuer->wanted + 1, sizeof rescuer->wanted[0] * rescuer->wanted_count);
  return true;
}

/* Gives a place to a block; false when none is free, or the image cannot be read. */
static bool start_block(mayday_rescuer *rescuer, const granted *wish) {
  uint32_t length = mayday_least32(UINT32_C(1) << rescuer->source->manifest->block_log2,
                                   rescuer->source->manifest->size - (wish->block << rescuer->source->manifest->block_log2));
  uint8_t item = mayday_sender_add(&rescuer->sender, MAYDAY_ITEM_BLOCK, wish->block, wish->attempt, length);
  uint8_t value;
  if (item == MAYDAY_NO_ITEM) return false;
  if ((wish->codecs & 1u << MAYDAY_CODEC_UNIFORM) == 0 || length < 2) return true;
  if (mayday_rescuer_is_uniform(rescuer, wish->block, true, &value)) {
    mayday_sender_set_length(&rescuer->sender, item, 1);
    rescuer->sender.items[item].codec = MAYDAY_CODEC_UNIFORM;
    rescuer->sender.items[item].value = value;
  }
  return rescuer->state == MAYDAY_RESCUER_SERVING;
}

bool mayday_rescuer_fill(mayday_rescuer *rescuer) {
  granted wish;
  while (rescuer->wanted_count != 0) {
    if (!start_run(rescuer)) return false;
  }
  for (uint32_t i = 0; i < rescuer->granted && granted_at(rescuer->grant, rescuer->grant_count, i, &wish); i++) {
    if (is_done(rescuer->granted_done, i)) continue;
    if (mayday_sender_find(&rescuer->sender, MAYDAY_ITEM_BLOCK, wish.block, wish.attempt) != MAYDAY_NO_ITEM) continue;
    /* One block a poll, as it is read. */
    if (!start_block(rescuer, &wish)) return false;
    return i + 1u == rescuer->granted;
  }
  return true;
}

void mayday_rescuer_drop_delivered(mayday_rescuer *rescuer) {
  for (;;) {
    uint8_t place = mayday_sender_completed(&rescuer->sender);
    if (place == MAYDAY_NO_ITEM) return;
    const mayday_item *item = &rescuer->sender.items[place];
    if (item->kind == MAYDAY_OBJECT_KIND_MANIFEST) rescuer->is_manifest_acked = true;
    if (item->kind == MAYDAY_ITEM_BLOCK) {
      uint32_t number = number_of(rescuer->grant, rescuer->grant_count, rescuer->granted, item->name, item->attempt);
      if (number < rescuer->granted) set_done(rescuer->granted_done, number);
    }
    mayday_sender_drop(&rescuer->sender, place);
  }
}
