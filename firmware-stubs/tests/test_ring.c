/* Rings of staged updates (PROTOCOL.md 6.8). */
#include "base/sha256.h"
#include "check.h"
#include "json.h"
#include "mayday/manifest.h"

static const mayday_port port = {.hash = &mayday_sha256};

static void check_boards(const json *vectors) {
  JSON_EACH(vector, json_get(vectors, "boards")) {
    uint8_t node_id[8];
    CHECK(json_hex(json_get(vector, "nodeId"), node_id, 8) == 8, "an id has 8 bytes");
    const mayday_manifest manifest = {.rings = (uint8_t)json_u64(vector, "rings"), .ring_seed = (uint32_t)json_u64(vector, "seed")};
    const uint8_t ring = mayday_ring(&port, &manifest, node_id);
    CHECK(ring == json_u64(vector, "ring"), "board %s is in ring %u of %u", json_text(vector, "nodeId"), (unsigned)ring,
          (unsigned)manifest.rings);
  }
}

static void check_sites(const json *vectors) {
  JSON_EACH(site, json_get(vectors, "sites")) {
    const mayday_manifest manifest = {.rings = (uint8_t)json_u64(site, "rings"), .ring_seed = (uint32_t)json_u64(site, "seed")};
    uint32_t boards[255] = {0};
    for (uint32_t number = 0; number < json_u64(site, "boards"); number++) {
      const uint8_t node_id[8] = {0, 0, 0, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)(number & 0xffu)};
      boards[mayday_ring(&port, &manifest, node_id)]++;
    }
    uint8_t ring = 0;
    JSON_EACH(expected, json_get(site, "boardsOfRing")) {
      CHECK(boards[ring] == (uint32_t)expected->number, "%lu boards are in ring %u", (unsigned long)boards[ring], (unsigned)ring);
      ring++;
    }
    CHECK(ring == manifest.rings, "a site has %u rings", (unsigned)ring);
  }
}

int main(int argc, char **argv) {
  const json *vectors = json_load(argc > 1 ? argv[1] : "../vectors", "ring-v1.json");
  check_boards(vectors);
  check_sites(vectors);
  return check_end("ring");
}
