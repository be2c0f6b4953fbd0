/* What a rescuer remembers of its neighbours (PROTOCOL.md 5.5, 5.7, 5.15), and what it may send without healing one (6.5). */
#include "session/rescuer_parts.h"

#include "base/bytes.h"

#define HOUR_S UINT32_C(3600)
#define HOUR_MS UINT32_C(3600000)
#define WASTED_BYTES_MIN UINT32_C(1048576)
#define WASTED_IMAGES 8u
#define SESSION_IMAGES 8u
#define SESSION_BYTES UINT32_C(65536)
#define HEAL_BYTES UINT32_C(4096)

static uint32_t images(const mayday_rescuer *rescuer, uint32_t count, uint32_t bytes) {
  uint32_t size = rescuer->source->manifest->size;
  return size > (UINT32_MAX - bytes) / count ? UINT32_MAX : size * count + bytes;
}

uint32_t mayday_rescuer_session_limit(const mayday_rescuer *rescuer) {
  return images(rescuer, SESSION_IMAGES, SESSION_BYTES);
}

static uint32_t limit_of(const mayday_rescuer *rescuer) {
  uint32_t limit = images(rescuer, WASTED_IMAGES, 0);
  return limit > WASTED_BYTES_MIN ? limit : WASTED_BYTES_MIN;
}

/* Takes off what has decayed: all of the limit in an hour, counted in whole seconds. */
static void decay(mayday_rescuer *rescuer) {
  mayday_time passed = rescuer->now - rescuer->wasted_at;
  uint32_t seconds = passed > HOUR_MS ? HOUR_S : (uint32_t)passed / 1000u;
  rescuer->wasted -= mayday_least32(limit_of(rescuer) / HOUR_S * seconds, rescuer->wasted);
  rescuer->wasted_at = passed > HOUR_MS ? rescuer->now : rescuer->wasted_at + seconds * 1000u;
}

void mayday_rescuer_waste(mayday_rescuer *rescuer, uint32_t bytes) {
  decay(rescuer);
  rescuer->wasted += mayday_least32(bytes, UINT32_MAX - rescuer->wasted);
}

bool mayday_rescuer_has_budget(mayday_rescuer *rescuer) {
  decay(rescuer);
  return rescuer->wasted < limit_of(rescuer);
}

void mayday_rescuer_settle(mayday_rescuer *rescuer) {
  const uint8_t *id = rescuer->session.target_id;
  uint32_t size = rescuer->source->manifest->size;
  uint32_t needed = size > UINT32_MAX / 2u ? UINT32_MAX : size + size / 4u + HEAL_BYTES;
  /* Anybody can say so: it counts once an hour. */
  if (mayday_rescuer_remembers(rescuer, id, MAYDAY_SAID_HEALED)) needed = 0;
  else mayday_rescuer_remember(rescuer, id, MAYDAY_SAID_HEALED, HOUR_MS);
  if (rescuer->bytes_sent > needed) mayday_rescuer_waste(rescuer, rescuer->bytes_sent - needed);
}

static bool is_it(const mayday_neighbour *neighbour, const uint8_t *name, uint8_t what) {
  return neighbour->what == what && mayday_equal(neighbour->name, name, sizeof neighbour->name);
}

bool mayday_rescuer_remembers(const mayday_rescuer *rescuer, const uint8_t name[8], uint8_t what) {
  for (unsigned i = 0; i < MAYDAY_RESCUER_NEIGHBOURS; i++) {
    const mayday_neighbour *neighbour = &rescuer->neighbours[i];
    if (neighbour->until > rescuer->now && is_it(neighbour, name, what)) return true;
  }
  return false;
}

void mayday_rescuer_remember(mayday_rescuer *rescuer, const uint8_t name[8], uint8_t what, uint32_t ms) {
  mayday_neighbour *place = &rescuer->neighbours[0];
  for (unsigned i = 0; i < MAYDAY_RESCUER_NEIGHBOURS; i++) {
    mayday_neighbour *neighbour = &rescuer->neighbours[i];
    if (neighbour->until < place->until) place = neighbour;
    if (!is_it(neighbour, name, what)) continue;
    place = neighbour;
    break;
  }
  place->until = rescuer->now + ms;
  place->what = what;
  memcpy(place->name, name, sizeof place->name);
}

void mayday_rescuer_remember_deferral(mayday_rescuer *rescuer, const uint8_t target_nonce[8], uint32_t seconds) {
  const uint32_t ms = mayday_least32(seconds, MAYDAY_DEFERRED_MAX_MS / 1000u) * 1000u;
  mayday_rescuer_remember(rescuer, target_nonce, MAYDAY_REFUSED_IMAGE, ms);
}
