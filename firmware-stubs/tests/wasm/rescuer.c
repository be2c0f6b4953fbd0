/* A rescuer with one image as a module of WebAssembly. The host gives clock, line, chance, and the bytes of the image. */
#include "base/sha256.h"
#include "host.h"
#include "image/envelope.h"
#include "mayday/rescuer.h"

#include <string.h>

IMPORT("read") uint32_t host_read(uint32_t offset, uint8_t *bytes, uint32_t length);

static struct {
  mayday_port port;
  mayday_line line;
  mayday_manifest manifest;
  mayday_source source;
  mayday_self self;
  mayday_rescuer rescuer;
  uint8_t node_id[8], hardware_id[8], envelope[MAYDAY_ENVELOPE_MAX];
} the;

static bool read_image(void *context, uint32_t offset, uint8_t *bytes, size_t length) {
  (void)context;
  return host_read(offset, bytes, length) != 0;
}

/* In the exchange: node id (8), hardware id (8), the envelope. */
EXPORT("start") uint32_t start(uint32_t baud, uint32_t rto_floor_ms, uint32_t envelope_length) {
  the.port.now_ms = now_ms;
  the.port.tx = tx;
  the.port.random = random_bytes;
  the.line.baud = baud;
  the.line.rto_floor_ms = (uint8_t)rto_floor_ms;
  memcpy(the.node_id, the_exchange, 8);
  memcpy(the.hardware_id, the_exchange + 8, 8);
  memcpy(the.envelope, the_exchange + 16, envelope_length);
  the.source.is_signed = the.envelope[0] == 0xd2;
  uint32_t at = the.source.is_signed ? 45u : 37u, behind = the.source.is_signed ? 66u : 0u;
  const uint8_t *payload = the.envelope + at;
  if (mayday_manifest_read(payload, envelope_length - at - behind, "", "", &the.manifest) != 0) return 0;
  mayday_hash_all(&mayday_sha256, payload, envelope_length - at - behind, the.manifest.digest);
  the.source.read = read_image;
  the.source.envelope = the.envelope;
  the.source.envelope_length = (uint16_t)envelope_length;
  the.source.manifest = &the.manifest;
  the.source.hardware_id = the.hardware_id;
  the.self.node_id = the.node_id;
  return mayday_rescuer_init(&the.rescuer, &the.port, &the.line, &the.source, &the.self);
}

EXPORT("bytes") void take_bytes(uint32_t length) {
  for (uint32_t i = 0; i < length; i++) mayday_rescuer_byte(&the.rescuer, the_exchange[i]);
}

EXPORT("poll") uint32_t poll(void) {
  return mayday_rescuer_poll(&the.rescuer);
}

EXPORT("is_busy") uint32_t is_busy(void) {
  return mayday_rescuer_is_busy(&the.rescuer);
}

EXPORT("end") uint32_t end(void) {
  return the.rescuer.end;
}
