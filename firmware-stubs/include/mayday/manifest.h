/* What a signed manifest says (PROTOCOL.md 8), as far as a board needs it. */
#ifndef MAYDAY_MANIFEST_H
#define MAYDAY_MANIFEST_H

#include "mayday/port.h"

/* Longest envelope, and the room for the object that carries it (4.6, 8.2). */
#define MAYDAY_ENVELOPE_MIN 293u
#define MAYDAY_ENVELOPE_MAX 623u

/* An order of images: sequence number first, then version (8.5). */
typedef struct mayday_order {
  uint64_t sequence; /* 48 bits */
  uint16_t version[3];
} mayday_order;

typedef struct mayday_manifest {
  uint8_t digest[32]; /* SHA-256 of the payload */
  uint8_t root[32];
  mayday_order order;
  uint32_t counter;
  uint32_t not_after;
  uint32_t size;
  uint32_t leaves;
  uint32_t ring_seed; /* of a staged update */
  uint16_t revision_min, revision_max;
  uint8_t block_log2;
  uint8_t role;           /* 1 app, 2 recovery */
  uint8_t rings;          /* of a staged update; 1: all boards at once */
  bool is_confirmed_by_app; /* policy `by-app`; else `on-verify` */
  bool is_hardware_right; /* vendor and class are those that it was read for */
} mayday_manifest;

/* The ring of a board in the staged update of an image, 0 to rings - 1 (6.8). Of the port only the hash is
 * used. For firmware that decides when its board asks for an update: a board that does not boot waits for no ring. */
uint8_t mayday_ring(const mayday_port *port, const mayday_manifest *manifest, const uint8_t node_id[8]);

/* A key that a board trusts (8.4, 13.6). */
typedef struct mayday_key {
  uint8_t bytes[32];
  uint8_t roles;         /* bit 0 app, bit 1 recovery */
  uint32_t counter_max;  /* largest counter of its images; UINT32_MAX for none */
  uint32_t step_max;     /* largest step above the floor; 1,000 unless the owner chose another one */
} mayday_key;

#define MAYDAY_STEP_DEFAULT 1000u

#endif
