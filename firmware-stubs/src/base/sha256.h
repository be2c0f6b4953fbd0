/* SHA-256 (FIPS 180-4). */
#ifndef MAYDAY_BASE_SHA256_H
#define MAYDAY_BASE_SHA256_H

#include "mayday/port.h"

#define MAYDAY_HASH_LENGTH 32u

/* The one in software. */
extern const mayday_hash mayday_sha256;

/* What a port hashes with. */
const mayday_hash *mayday_hash_of(const mayday_port *port);

void mayday_hash_all(const mayday_hash *hash, const uint8_t *bytes, size_t length, uint8_t digest[32]);

#endif
