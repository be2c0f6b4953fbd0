#include "flash/ranges.h"

/* Changes places with the next one. Ranges are moved one by one, as a loop of copies becomes a call of memmove, which nothing
 * else of a target needs. */
static void swap(mayday_sector_range *range) {
  mayday_sector_range next = range[1];
  range[1] = range[0];
  range[0] = next;
}

static void erase_at(mayday_range_set *set, unsigned at) {
  set->count--;
  for (; at < set->count; at++) swap(&set->ranges[at]);
}

static void insert(mayday_range_set *set, mayday_sector_number first, mayday_sector_number last) {
  mayday_sector_range *at = &set->ranges[set->count++];
  at->first = first;
  at->last = last;
  for (; at > set->ranges && at[-1].first > first; at--) swap(at - 1);
}

/* Joins the two nearest ranges, and returns what lay between them. */
static mayday_sector_range join_nearest(mayday_range_set *set) {
  uint32_t least = UINT32_MAX;
  unsigned nearest = 1;
  for (unsigned i = 1; i < set->count; i++) {
    uint32_t distance = (uint32_t)set->ranges[i].first - set->ranges[i - 1u].last;
    if (distance >= least) continue;
    least = distance;
    nearest = i;
  }
  mayday_sector_range *right = &set->ranges[nearest], *left = right - 1;
  mayday_sector_range gap = {(mayday_sector_number)(left->last + 1u), (mayday_sector_number)(right->first - 1u)};
  left->last = right->last;
  erase_at(set, nearest);
  return gap;
}

bool mayday_ranges_add(mayday_range_set *set, mayday_sector_range range, mayday_sector_range *gap) {
  unsigned at = 0;
  while (at < set->count) {
    mayday_sector_range old = set->ranges[at];
    if (old.first > range.last + 1u || range.first > old.last + 1u) {
      at++;
      continue;
    }
    if (old.first < range.first) range.first = old.first;
    if (old.last > range.last) range.last = old.last;
    erase_at(set, at);
  }
  insert(set, range.first, range.last);
  if (set->count <= MAYDAY_OPEN_RANGES_MAX) return false;
  *gap = join_nearest(set);
  return true;
}

bool mayday_ranges_remove(mayday_range_set *set, mayday_sector_range range) {
  unsigned at = 0;
  while (at < set->count) {
    mayday_sector_range old = set->ranges[at];
    if (old.last < range.first || old.first > range.last) {
      at++;
      continue;
    }
    bool has_left = old.first < range.first;
    bool has_right = old.last > range.last;
    if (has_left && has_right && set->count == MAYDAY_OPEN_RANGES_MAX) return false;
    erase_at(set, at);
    if (has_left) insert(set, old.first, (mayday_sector_number)(range.first - 1u));
    if (has_right) insert(set, (mayday_sector_number)(range.last + 1u), old.last);
  }
  return true;
}

bool mayday_ranges_touch(const mayday_range_set *set, mayday_sector_range range) {
  for (unsigned i = 0; i < set->count; i++) {
    if (set->ranges[i].first <= range.last && range.first <= set->ranges[i].last) return true;
  }
  return false;
}
