#include "flash/ranges.h"

#include <string.h>

static void erase_at(mayday_range_set *set, uint8_t at) {
  set->count--;
  memmove(&set->ranges[at], &set->ranges[at + 1], (size_t)(set->count - at) * sizeof set->ranges[0]);
}

static void insert_at(mayday_range_set *set, uint8_t at, mayday_sector_range range) {
  memmove(&set->ranges[at + 1], &set->ranges[at], (size_t)(set->count - at) * sizeof set->ranges[0]);
  set->ranges[at] = range;
  set->count++;
}

/* The set is full: joins the two nearest of its ranges and `range`, which belongs at `at`. */
static void join_nearest(mayday_range_set *set, uint8_t at, mayday_sector_range range, mayday_sector_range *gap) {
  mayday_sector_range all[MAYDAY_OPEN_RANGES_MAX + 1];
  memcpy(all, set->ranges, at * sizeof all[0]);
  all[at] = range;
  memcpy(&all[at + 1], &set->ranges[at], (MAYDAY_OPEN_RANGES_MAX - at) * sizeof all[0]);
  uint8_t nearest = 0;
  for (uint8_t i = 1; i < MAYDAY_OPEN_RANGES_MAX; i++) {
    if (all[i + 1].first - all[i].last < all[nearest + 1].first - all[nearest].last) nearest = i;
  }
  gap->first = all[nearest].last + 1u;
  gap->last = all[nearest + 1].first - 1u;
  all[nearest + 1].first = all[nearest].first;
  memcpy(set->ranges, all, nearest * sizeof all[0]);
  memcpy(&set->ranges[nearest], &all[nearest + 1], (MAYDAY_OPEN_RANGES_MAX - nearest) * sizeof all[0]);
}

bool mayday_ranges_add(mayday_range_set *set, mayday_sector_range range, mayday_sector_range *gap) {
  uint8_t at = 0;
  while (at < set->count && set->ranges[at].first <= range.last + 1u) {
    mayday_sector_range old = set->ranges[at];
    if (range.first > old.last + 1u) {
      at++;
      continue;
    }
    if (old.first < range.first) range.first = old.first;
    if (old.last > range.last) range.last = old.last;
    erase_at(set, at);
  }
  if (set->count == MAYDAY_OPEN_RANGES_MAX) {
    join_nearest(set, at, range, gap);
    return true;
  }
  insert_at(set, at, range);
  return false;
}

bool mayday_ranges_remove(mayday_range_set *set, mayday_sector_range range) {
  uint8_t i = 0;
  while (i < set->count) {
    mayday_sector_range *old = &set->ranges[i];
    if (old->last < range.first || old->first > range.last) {
      i++;
      continue;
    }
    bool has_left = old->first < range.first;
    bool has_right = old->last > range.last;
    if (has_left && has_right) {
      if (set->count == MAYDAY_OPEN_RANGES_MAX) return false;
      mayday_sector_range right = {range.last + 1u, old->last};
      old->last = range.first - 1u;
      insert_at(set, (uint8_t)(i + 1u), right);
      return true;
    }
    if (!has_left && !has_right) {
      erase_at(set, i);
    } else if (has_left) {
      old->last = range.first - 1u;
    } else {
      old->first = range.last + 1u;
    }
  }
  return true;
}

bool mayday_ranges_touch(const mayday_range_set *set, mayday_sector_range range) {
  for (uint8_t i = 0; i < set->count; i++) {
    if (set->ranges[i].first <= range.last && range.first <= set->ranges[i].last) return true;
  }
  return false;
}
