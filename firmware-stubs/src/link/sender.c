#include "link/sender.h"

#include "base/bytes.h"
#include "link/sender_sizes.h"

#include <string.h>

#define UNIT MAYDAY_CHUNK_UNIT
/* Places in the ring that only probes take. */
#define FOR_PROBES 2u
#define FOR_OBJECTS 2u
#define PROBES_MAX 255u

void mayday_sender_init(mayday_sender *sender, mayday_rtt *rtt, mayday_sizer *sizer, uint16_t payload_max, mayday_time now) {
  memset(sender, 0, sizeof *sender);
  sender->rtt = rtt;
  sender->sizer = sizer;
  sender->news_at = now;
  sender->due_at = now;
  mayday_sizer_limit(sizer, payload_max);
  mayday_window_init(&sender->window);
}

static uint32_t units_of(uint32_t length) {
  return (length + UNIT - 1u) / UNIT;
}

static bool has_bit(const uint8_t *bits, uint32_t bit) {
  return (bits[bit / 8u] & (uint8_t)(1u << (bit % 8u))) != 0;
}

static bool is_missing(const mayday_item *item, uint32_t unit) {
  return has_bit(item->missing, unit);
}

static void set_missing(mayday_item *item, uint32_t from, uint32_t count) {
  for (uint32_t unit = from; unit < from + count; unit++) {
    item->missing[unit / 8u] = (uint8_t)(item->missing[unit / 8u] | 1u << (unit % 8u));
  }
}

static void clear_missing(mayday_item *item, uint32_t from, uint32_t count) {
  for (uint32_t unit = from; unit < from + count; unit++) {
    item->missing[unit / 8u] = (uint8_t)(item->missing[unit / 8u] & ~(1u << (unit % 8u)));
  }
}

/* The first unit that is to be sent; the number of units when there is none. */
static uint32_t first_missing(const mayday_item *item) {
  uint32_t units = units_of(item->length), unit = 0;
  while (unit < units && item->missing[unit / 8u] == 0) unit += 8u;
  while (unit < units && !is_missing(item, unit)) unit++;
  return unit < units ? unit : units;
}

uint8_t mayday_sender_find(const mayday_sender *sender, uint8_t kind, uint32_t name, uint8_t attempt) {
  for (uint8_t i = 0; i < MAYDAY_RESCUER_ITEMS; i++) {
    const mayday_item *item = &sender->items[i];
    if (item->kind == kind && item->name == name && item->attempt == attempt) return i;
  }
  return MAYDAY_NO_ITEM;
}

uint8_t mayday_sender_add(mayday_sender *sender, uint8_t kind, uint32_t name, uint8_t attempt, uint32_t length) {
  uint8_t room = kind == MAYDAY_ITEM_BLOCK ? MAYDAY_RESCUER_ITEMS - FOR_OBJECTS : MAYDAY_RESCUER_ITEMS;
  uint8_t place = MAYDAY_NO_ITEM, used = 0;
  for (uint8_t i = 0; i < MAYDAY_RESCUER_ITEMS; i++) {
    if (sender->items[i].kind == MAYDAY_ITEM_FREE) place = i;
    else used++;
  }
  if (used >= room || place == MAYDAY_NO_ITEM) return MAYDAY_NO_ITEM;
  memset(&sender->items[place], 0, sizeof sender->items[place]);
  sender->items[place].kind = kind;
  sender->items[place].name = name;
  sender->items[place].attempt = attempt;
  sender->items[place].age = sender->ages++;
  mayday_sender_set_length(sender, place, length);
  return place;
}

void mayday_sender_set_length(mayday_sender *sender, uint8_t item, uint32_t length) {
  mayday_item *of = &sender->items[item];
  memset(of->missing, 0, sizeof of->missing);
  of->length = length;
  set_missing(of, 0, units_of(length));
}

static bool is_probe(const mayday_sent *sent) {
  return (sent->from & MAYDAY_SENT_PROBE) != 0;
}

/* Packet numbers that an entry stands for. */
static uint32_t numbers_of(const mayday_sent *sent) {
  return is_probe(sent) ? sent->count : 1u;
}

static uint16_t flags_now(const mayday_sender *sender) {
  return sender->is_paused ? MAYDAY_SENT_UNHEARD : 0u;
}

static mayday_sent *sent_at(mayday_sender *sender, uint16_t place) {
  uint32_t at = (uint32_t)sender->oldest + place;
  return &sender->sent[at < MAYDAY_RESCUER_PACKETS ? at : at - MAYDAY_RESCUER_PACKETS];
}

void mayday_sender_drop(mayday_sender *sender, uint8_t item) {
  sender->items[item].kind = MAYDAY_ITEM_FREE;
  for (uint16_t i = 0; i < sender->count; i++) {
    if (sent_at(sender, i)->item == item) sent_at(sender, i)->item = MAYDAY_NO_ITEM;
  }
}

uint8_t mayday_sender_completed(const mayday_sender *sender) {
  for (uint8_t i = 0; i < MAYDAY_RESCUER_ITEMS; i++) {
    const mayday_item *item = &sender->items[i];
    if (item->kind != MAYDAY_ITEM_FREE && item->in_flight == 0 && first_missing(item) == units_of(item->length)) return i;
  }
  return MAYDAY_NO_ITEM;
}

/* The oldest item with something to send; objects before blocks. */
static uint8_t next_item(const mayday_sender *sender) {
  uint8_t best = MAYDAY_NO_ITEM;
  for (uint8_t i = 0; i < MAYDAY_RESCUER_ITEMS; i++) {
    const mayday_item *item = &sender->items[i];
    if (item->kind == MAYDAY_ITEM_FREE || first_missing(item) == units_of(item->length)) continue;
    if (best != MAYDAY_NO_ITEM) {
      const mayday_item *other = &sender->items[best];
      bool is_block = item->kind == MAYDAY_ITEM_BLOCK, is_other_block = other->kind == MAYDAY_ITEM_BLOCK;
      if (is_block != is_other_block ? is_block : (uint16_t)(item->age - other->age) < 0x8000u) continue;
    }
    best = i;
  }
  return best;
}

static bool is_probe_due(const mayday_sender *sender, mayday_time now, bool has_more) {
  mayday_time since = sender->news_at > sender->due_at ? sender->news_at : sender->due_at;
  uint32_t interval = mayday_rto_ms(sender->rtt);
  if (sender->is_asked) return true;
  if (interval < MAYDAY_PROBE_INTERVAL_MIN_MS) interval = MAYDAY_PROBE_INTERVAL_MIN_MS;
  if (sender->is_paused) return (sender->count != 0 || has_more) && now >= since + MAYDAY_PAUSE_PROBE_MS;
  return sender->count != 0 && now >= since + interval;
}

static bool has_room(const mayday_sender *sender) {
  return sender->count < MAYDAY_RESCUER_PACKETS - FOR_PROBES && sender->count < MAYDAY_IN_FLIGHT_MAX &&
         sender->flight_bytes < mayday_window_bytes(&sender->window, sender->rtt, mayday_payload_of(sender));
}

static bool take_probe(mayday_chunk *out) {
  memset(out, 0, sizeof *out);
  out->item = MAYDAY_NO_ITEM;
  return true;
}

bool mayday_sender_next(mayday_sender *sender, mayday_time now, bool is_tail, mayday_chunk *out) {
  uint8_t place = next_item(sender);
  const mayday_item *item;
  uint32_t from, to, bytes;
  if (sender->count == 0 && !sender->is_paused) sender->news_at = now;
  if (sender->is_paused && now >= sender->pause_until) mayday_sender_resume(sender, now);
  if (is_probe_due(sender, now, place != MAYDAY_NO_ITEM || !is_tail)) return take_probe(out);
  if (sender->is_paused || !has_room(sender)) return false;
  if (place == MAYDAY_NO_ITEM) return is_tail && sender->is_probe_owed && sender->count != 0 && take_probe(out);
  item = &sender->items[place];
  from = first_missing(item);
  for (to = from; to < units_of(item->length) && is_missing(item, to);) to++;
  bytes = mayday_least32(to * UNIT, item->length) - from * UNIT;
  out->item = place;
  out->from = (uint16_t)from;
  mayday_cut_chunk(sender, bytes, out);
  return true;
}

static uint32_t register_probe(mayday_sender *sender) {
  mayday_sent *last = sender->count != 0 ? sent_at(sender, (uint16_t)(sender->count - 1u)) : NULL;
  sender->is_probe_owed = false;
  sender->is_asked = false;
  if (last != NULL && is_probe(last) && last->count < PROBES_MAX) {
    last->count++;
  } else if (sender->count < MAYDAY_RESCUER_PACKETS) {
    last = sent_at(sender, sender->count++);
    memset(last, 0, sizeof *last);
    last->item = MAYDAY_NO_ITEM;
    last->count = 1;
  } else {
    /* So many probes without an ack: the last number stands for this one, too. */
    return sender->next - 1u;
  }
  last->from = (uint16_t)(MAYDAY_SENT_PROBE | flags_now(sender));
  return sender->next++;
}

uint32_t mayday_sender_sent(mayday_sender *sender, mayday_time now, const mayday_chunk *chunk, mayday_time due) {
  mayday_sent *entry;
  uint32_t number;
  if (sender->count == 0 && !sender->is_paused) sender->news_at = now;
  if (chunk->item == MAYDAY_NO_ITEM) {
    number = register_probe(sender);
  } else {
    mayday_item *item = &sender->items[chunk->item];
    uint32_t units = units_of(chunk->length);
    entry = sent_at(sender, sender->count++);
    entry->item = chunk->item;
    entry->count = (uint8_t)units;
    entry->from = (uint16_t)(chunk->from | flags_now(sender));
#if MAYDAY_WITH_FEC
    entry->mendable = chunk->mendable;
#endif
    clear_missing(item, chunk->from, units);
    item->in_flight++;
    sender->flight_bytes += units * UNIT;
    sender->is_probe_owed = true;
    number = sender->next++;
  }
  mayday_sender_due(sender, due);
  return number;
}

void mayday_sender_due(mayday_sender *sender, mayday_time due) {
  sender->due_at = due;
  if (sender->count != 0) sent_at(sender, (uint16_t)(sender->count - 1u))->due = (uint16_t)(due & 0xffffu);
}

/* The round trip of a packet, in ms; -1 when it says nothing. */
static int32_t round_trip(const mayday_sender *sender, const mayday_sent *packet, mayday_time now, uint8_t delay) {
  uint16_t passed = (uint16_t)((uint16_t)(now & 0xffffu) - packet->due);
  uint32_t late = ((uint32_t)delay * MAYDAY_ACK_DELAY_UNIT_US + 500u) / 1000u;
  /* It may be acked before its last byte was due, as times are rounded. */
  uint32_t ms = passed >= 0x8000u || passed < late ? 0 : passed - late;
  if ((packet->from & MAYDAY_SENT_UNHEARD) != 0 && ms > mayday_rto_ms(sender->rtt)) return -1;
  return (int32_t)ms;
}

static void settle(mayday_sender *sender, const mayday_sent *packet, bool has_arrived) {
  mayday_item *item;
  if (is_probe(packet)) return;
  if (has_arrived || (packet->from & MAYDAY_SENT_UNHEARD) == 0) {
    mayday_settle_size(sender, packet, !has_arrived);
  }
  sender->flight_bytes -= (uint32_t)packet->count * UNIT;
  if (packet->item == MAYDAY_NO_ITEM) return;
  item = &sender->items[packet->item];
  item->in_flight--;
  if (!has_arrived) set_missing(item, packet->from & MAYDAY_SENT_FROM, packet->count);
}

bool mayday_sender_ack(mayday_sender *sender, mayday_time now, uint16_t highest, uint8_t delay, const uint8_t bitmap[14]) {
  /* The number with these low bits that is nearest to the next one, if it was sent. */
  uint16_t behind = (uint16_t)((uint16_t)(sender->next & 0xffffu) - highest);
  uint32_t before = sender->flight_bytes;
  uint32_t number, last;
  int32_t rtt = -1;
  if (behind == 0 || behind >= 0x8000u || behind > sender->next) return false;
  last = sender->next - behind;
  sender->news_at = now;
  number = sender->next;
  for (uint16_t i = 0; i < sender->count; i++) number -= numbers_of(sent_at(sender, i));
  while (sender->count != 0 && number <= last) {
    mayday_sent packet = *sent_at(sender, 0);
    uint32_t numbers = numbers_of(&packet);
    uint32_t back = last - number;
    if (numbers > back + 1u) {
      /* Some of these probes are still on their way. */
      sent_at(sender, 0)->count = (uint8_t)(numbers - back - 1u);
      break;
    }
    sender->oldest = (uint16_t)((sender->oldest + 1u) % MAYDAY_RESCUER_PACKETS);
    sender->count--;
    if (numbers == back + 1u) rtt = round_trip(sender, &packet, now, delay);
    settle(sender, &packet, back < MAYDAY_ACK_REACH && has_bit(bitmap, back));
    number += numbers;
  }
  if (rtt >= 0) {
    mayday_rtt_sample(sender->rtt, (uint32_t)rtt);
    mayday_window_take(&sender->window, (uint32_t)rtt, before - sender->flight_bytes);
  }
  /* Of a packet that was sent since it said busy: it hears. */
  if (sender->is_paused && last >= sender->pause_first) mayday_sender_resume(sender, now);
  return true;
}

void mayday_sender_pause(mayday_sender *sender, mayday_time now, mayday_time until) {
  if (!sender->is_paused) {
    uint16_t said = (uint16_t)((now - mayday_rto_ms(sender->rtt)) & 0xffffu);
    for (uint16_t i = 0; i < sender->count; i++) {
      mayday_sent *packet = sent_at(sender, i);
      if ((uint16_t)(packet->due - said) < 0x8000u) packet->from |= MAYDAY_SENT_UNHEARD;
    }
    sender->is_paused = true;
    sender->pause_first = sender->next;
    sender->pause_until = until;
    if (sender->news_at < now) sender->news_at = now;
  } else if (until > sender->pause_until) {
    sender->pause_until = until;
  }
}

void mayday_sender_resume(mayday_sender *sender, mayday_time now) {
  if (sender->is_paused) sender->news_at = now;
  sender->is_paused = false;
}

bool mayday_sender_is_idle(const mayday_sender *sender) {
  return sender->count == 0 && next_item(sender) == MAYDAY_NO_ITEM;
}
