/* The envelope of a manifest and its payload (PROTOCOL.md 8.2 to 8.4, steps 1 to 5). */
#ifndef MAYDAY_IMAGE_ENVELOPE_H
#define MAYDAY_IMAGE_ENVELOPE_H

#include "mayday/constants.h"
#include "mayday/manifest.h"

/* Whom a board believes, and what it is. */
typedef struct mayday_policy {
  const mayday_key *keys;
  uint8_t key_count;
  /* Takes unsigned images while `key_count` is 0. */
  bool is_unsigned_allowed;
  /* UTF-8 of 1 to 32 bytes each, with a zero behind it. */
  const char *vendor;
  const char *hardware_class;
} mayday_policy;

/* Steps 1 to 5 of 8.4. The envelope lies in memory of its own, is changed while it is checked, and is as before when this
 * returns. Returns 0, or a code of 5.7 (MAYDAY_REFUSAL_CODE_*). `step_max`: the largest step of its key; UINT32_MAX of an
 * unsigned image. */
uint8_t mayday_envelope_check(const mayday_port *port, const mayday_policy *policy, uint8_t *envelope, size_t length,
                              mayday_manifest *out, uint32_t *step_max);

/* Reads a payload (8.3): 0, or MAYDAY_REFUSAL_CODE_MANIFEST or _ROLE. The digest is not computed. */
uint8_t mayday_manifest_read(const uint8_t *payload, size_t length, const char *vendor, const char *hardware_class,
                             mayday_manifest *out);

/* The hardware id of names (5.2), 8 bytes. */
void mayday_hardware_id(const mayday_hash *hash, const char *vendor, const char *hardware_class, uint8_t out[8]);

/* Below 0, 0, above 0: `a` is before, equal to, behind `b` (8.5). */
int mayday_order_compare(const mayday_order *a, const mayday_order *b);

#endif
