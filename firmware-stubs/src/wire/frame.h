/* Frames (PROTOCOL.md 3 to 5): one struct for all kinds, read from bytes and written to bytes. */
#ifndef MAYDAY_WIRE_FRAME_H
#define MAYDAY_WIRE_FRAME_H

#include "mayday/config.h"
#include "mayday/constants.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Announcements: 0x10 and the type. Controls: the class, then the type. */
typedef enum mayday_frame_kind {
  MAYDAY_QUERY = 0x01,
  MAYDAY_BEACON = 0x02,
  MAYDAY_DISTRESS = 0x03,
  MAYDAY_OFFER = 0x04,
  MAYDAY_ACCEPT = 0x05,
  MAYDAY_STAND_DOWN = 0x06,
  MAYDAY_REFUSE = 0x07,
  MAYDAY_BYE = 0x08,
  MAYDAY_DEFER = 0x09,
  MAYDAY_NONE = 0x0a,
  MAYDAY_ACK = 0x10,
  MAYDAY_GRANT = 0x11,
  MAYDAY_REQUEST = 0x12,
  MAYDAY_BUSY = 0x13,
  MAYDAY_DONE = 0x14,
  MAYDAY_LATER = 0x20,
  MAYDAY_DONE_ACK = 0x21,
  MAYDAY_OBJECT = 0x30,
  MAYDAY_PROBE = 0x40,
  MAYDAY_DATA = 0x80
} mayday_frame_kind;

/* Why bytes are no frame (3.1). */
typedef enum mayday_fault {
  MAYDAY_FAULT_NONE,
  MAYDAY_FAULT_TOO_SHORT,
  MAYDAY_FAULT_BAD_CRC,
  MAYDAY_FAULT_FOREIGN_VERSION,
  MAYDAY_FAULT_UNAUTHENTIC,
  MAYDAY_FAULT_UNKNOWN,
  MAYDAY_FAULT_MALFORMED
} mayday_fault;

typedef struct mayday_version {
  uint16_t major, minor, patch;
} mayday_version;

/* Byte strings point into the frame that was read, or to what is to be written. */
typedef struct mayday_frame {
  mayday_frame_kind kind;
  /* A proof of a link key (14.3): 8 or 16 bytes of an extension of type 01, or NULL. Only announcements have one. One of
   * another length, or that is not the last extension, is wrong: its length is 0 here. A build without MAYDAY_WITH_LINK_KEY only
   * knows whether there is such an extension: all lengths are 0. */
  const uint8_t *proof;
  uint8_t proof_length;
  /* Bytes in front of that extension's last 8, which the proof is over; 0 without one. */
  uint16_t proven_length;
#if MAYDAY_WITH_FEC
  uint8_t forms;    /* of query, beacon, distress and offer: the first byte of the extension *forms*; 0 without it */
  bool has_mended;  /* of an ack: it has the extension *mended* */
  uint16_t mended;
#endif
  union {
    struct {
      const uint8_t *node_id, *boot_nonce;
    } query;
    struct {
      const uint8_t *node_id, *boot_nonce, *hardware_id;
      uint16_t revision;
      uint8_t flags, failure;
      mayday_version version;
      uint64_t sequence;
      uint32_t floor;
      /* 8 bytes each; written only with their flags, read always. */
      const uint8_t *installed, *receiving;
    } beacon; /* and distress */
    struct {
      const uint8_t *rescuer_id, *rescuer_nonce, *target_nonce, *digest;
      mayday_version version;
      uint32_t size, counter;
      uint8_t block_log2;
    } offer;
    struct {
      const uint8_t *target_nonce, *rescuer_nonce, *digest;
      uint16_t payload_max;
      uint8_t open_blocks, asks;
    } accept;
    struct {
      const uint8_t *target_id, *rescuer_nonce, *rescuer_id;
      uint16_t retry_ms;
    } stand_down;
    struct {
      const uint8_t *target_nonce, *rescuer_nonce, *digest;
      uint8_t reason;
    } refuse;
    struct {
      const uint8_t *target_nonce, *rescuer_nonce;
      uint8_t reason;
    } bye;
    struct {
      const uint8_t *target_nonce, *rescuer_nonce, *digest;
      uint8_t reason;
      uint32_t seconds;
    } defer;
    struct {
      const uint8_t *rescuer_id, *target_nonce;
      uint8_t reason;
    } none;
    struct {
      uint16_t highest;
      uint8_t delay; /* units of 256 microseconds */
      const uint8_t *bitmap;
    } ack;
    struct {
      uint16_t sequence;
      uint8_t count;
      const uint8_t *entries; /* 5 bytes each in a grant, 4 in a request */
    } list;                   /* grant, request */
    struct {
      uint16_t ms;
    } pause; /* busy, later */
    struct {
      const uint8_t *digest;
    } done; /* and done-ack */
    /* Packets begin with the same members, which are read and looked at as those of `data`. */
    struct {
      uint16_t packet, length;
      const uint8_t *payload;
      uint8_t object_kind, level;
      uint16_t offset, total;
      uint32_t index;
    } object;
    struct {
      uint16_t packet; /* 12 bits */
    } probe;
    struct {
      uint16_t packet, length;
      const uint8_t *payload;
      uint8_t attempt, codec;
      uint16_t position; /* units of 32 bytes, modulo 65536 */
    } data;
  } as;
} mayday_frame;

/* Whether the CRC of a frame is right under a tag (0: none). `length` is 5 at least. */
bool mayday_frame_has_crc(const uint8_t *bytes, size_t length, uint32_t tag);

/* Reads a frame (3.1). `tag`: that of the running session; 0 without one. `out` is valid when it returns
 * MAYDAY_FAULT_NONE, and as long as `bytes` are. A sealed frame (14.4) is read after its seal was cut off, without CRC,
 * by mayday_frame_read. */
mayday_fault mayday_frame_parse(const uint8_t *bytes, size_t length, uint32_t tag, mayday_frame *out);

/* The same for bytes without CRC, which was checked before. */
mayday_fault mayday_frame_read(const uint8_t *body, size_t length, mayday_frame *out);

/* Writes a frame without its CRC. `room` in bytes. Returns the length; 0 when it does not fit. A proof is written by the
 * caller, as it is over what stands before it. */
size_t mayday_frame_write(const mayday_frame *frame, uint8_t *out, size_t room);

/* Puts the CRC behind `length` bytes; returns the length with it. There has to be room. */
size_t mayday_frame_close(uint8_t *bytes, size_t length, uint32_t tag);

/* The tag of a session (3.4). All parts have 8 bytes. */
uint32_t mayday_session_tag(const uint8_t *target_nonce, const uint8_t *rescuer_nonce, const uint8_t *target_id,
                            const uint8_t *rescuer_id, const uint8_t *digest);

#endif
