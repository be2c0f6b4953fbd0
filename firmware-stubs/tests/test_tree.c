/* The hash tree (PROTOCOL.md 7). */
#include "base/sha256.h"
#include "check.h"
#include "image/tree.h"
#include "json.h"

#include <stdlib.h>

static mayday_shape shape_of(uint64_t size, uint64_t block_size) {
  mayday_shape shape = {.size = (uint32_t)size};
  while ((UINT64_C(1) << shape.block_log2) < block_size) shape.block_log2++;
  shape.leaves = (uint32_t)((size - 1) / block_size + 1);
  return shape;
}

static bool has_hex(const uint8_t *hash, const json *hex) {
  uint8_t expected[32];
  return json_hex(hex, expected, sizeof expected) == 32 && memcmp(hash, expected, 32) == 0;
}

/* Hashes of nodes from `first` on, `count` of them, folded from the leaves below. */
static void node_hash(const uint8_t (*leaves)[32], const mayday_shape *shape, uint8_t level, uint32_t index, uint8_t out[32]) {
  static mayday_folding folding;
  mayday_folding_init(&folding);
  for (uint32_t i = index << level; i < shape->leaves && i < (index + 1) << level; i++) {
    mayday_folding_add(&mayday_sha256, &folding, leaves[i]);
  }
  mayday_folding_end(&mayday_sha256, &folding, out);
}

static void check_trees(const json *tree) {
  JSON_EACH(vector, json_get(tree, "trees")) {
    const mayday_shape shape = shape_of(json_u64(vector, "size"), json_u64(vector, "blockSize"));
    const unsigned long count = (unsigned long)json_u64(vector, "leafCount");
    CHECK(shape.leaves == count, "an image of %lu leaves has as many", count);
    uint8_t(*leaves)[32] = calloc(shape.leaves, 32);
    uint8_t *block = malloc(65536);
    for (uint32_t b = 0; b < shape.leaves; b++) {
      const uint32_t length = mayday_block_length(&shape, b);
      for (uint32_t i = 0; i < length; i++) block[i] = (uint8_t)((b >> (8 * (i % 4))) + 5 * i);
      mayday_leaf_hash(&mayday_sha256, block, length, leaves[b]);
    }
    CHECK(mayday_block_length(&shape, shape.leaves) == 0, "there is no block behind the last one of %lu", count);
    CHECK(has_hex(leaves[shape.leaves - 1], json_get(vector, "lastLeaf")), "the last of %lu leaves is right", count);
    uint8_t hash[32];
    const uint8_t root_level = mayday_root_level(&shape);
    node_hash((const uint8_t(*)[32])leaves, &shape, root_level, 0, hash);
    CHECK(has_hex(hash, json_get(vector, "root")), "the root of %lu leaves is right", count);
    uint8_t level = 0;
    JSON_EACH(nodes, json_get(vector, "nodesByLevel")) {
      CHECK(mayday_level_nodes(&shape, level) == (uint32_t)nodes->number, "level %u of %lu leaves", (unsigned)level, count);
      level++;
    }
    CHECK(level == root_level + 1, "a tree of %lu leaves has %u levels", count, (unsigned)level);
    JSON_EACH(node, json_get(vector, "nodes")) {
      const uint8_t at = (uint8_t)json_u64(node, "level");
      const uint32_t index = (uint32_t)json_u64(node, "index");
      node_hash((const uint8_t(*)[32])leaves, &shape, at, index, hash);
      CHECK(has_hex(hash, json_get(node, "hash")), "node %u/%lu of %lu leaves is right", (unsigned)at, (unsigned long)index, count);
      uint32_t first;
      const uint8_t length = mayday_run_length(&shape, at, index, &first);
      const json *run = json_get(node, "run");
      CHECK(length == run->count && first == json_u64(node, "runFirst") && mayday_run_level(at) == json_u64(node, "runLevel"),
            "the run of node %u/%lu of %lu leaves has %u hashes", (unsigned)at, (unsigned long)index, count, (unsigned)length);
      uint8_t hashes[16][32];
      uint32_t i = 0;
      JSON_EACH(expected, run) {
        node_hash((const uint8_t(*)[32])leaves, &shape, mayday_run_level(at), first + i, hashes[i]);
        CHECK(has_hex(hashes[i], expected), "hash %lu of the run of node %u of %lu leaves", (unsigned long)i, (unsigned)at, count);
        i++;
      }
      uint8_t folded[32];
      mayday_fold(&mayday_sha256, hashes[0], length, folded);
      CHECK(has_hex(folded, json_get(node, "hash")), "the run of node %u of %lu leaves folds to it", (unsigned)at, count);
    }
    uint32_t first;
    CHECK(mayday_run_length(&shape, 0, 0, &first) == 0, "a leaf has no run");
    CHECK(mayday_run_length(&shape, (uint8_t)(root_level + 1), 0, &first) == 0, "there is no node above the root");
    CHECK(mayday_run_length(&shape, 255, 0, &first) == 0, "there is no node on level 255");
    if (root_level > 0) {
      CHECK(mayday_run_length(&shape, 1, mayday_level_nodes(&shape, 1), &first) == 0, "there is no node behind the last one");
    }
    free(block);
    free(leaves);
  }
}

static void check_runs(const json *tree) {
  JSON_EACH(vector, json_get(tree, "runs")) {
    const mayday_shape shape = shape_of(json_u64(vector, "leafCount") * 1024, 1024);
    uint32_t first;
    uint8_t hashes[20][32];
    uint8_t count = 0;
    const json *run = json_get(vector, "run");
    const uint8_t length = mayday_run_length(&shape, (uint8_t)json_u64(vector, "level"), (uint32_t)json_u64(vector, "index"), &first);
    JSON_EACH(hash, run) {
      if (count < 20) json_hex(hash, hashes[count], 32);
      count++;
    }
    bool is_right = length != 0 && count == length;
    if (is_right) {
      uint8_t folded[32];
      mayday_fold(&mayday_sha256, hashes[0], count, folded);
      is_right = has_hex(folded, json_get(vector, "hash"));
    }
    CHECK(is_right == json_bool(vector, "isRight"), "a run that is %s", json_text(vector, "name"));
  }
}

static void check_uniform(const json *tree) {
  uint8_t hash[32];
  JSON_EACH(vector, json_get(tree, "uniformNodes")) {
    const mayday_shape shape = shape_of(json_u64(vector, "size"), json_u64(vector, "blockSize"));
    JSON_EACH(node, json_get(vector, "nodes")) {
      mayday_uniform_hash(&mayday_sha256, &shape, (uint8_t)json_u64(node, "level"), (uint32_t)json_u64(node, "index"),
                          (uint8_t)json_u64(vector, "value"), hash);
      CHECK(has_hex(hash, json_get(node, "hash")), "the uniform node %.0f/%.0f of %lu bytes", json_get(node, "level")->number,
            json_get(node, "index")->number, (unsigned long)shape.size);
    }
  }
  JSON_EACH(vector, json_get(tree, "uniformClaims")) {
    const mayday_shape shape = shape_of(json_u64(vector, "size"), json_u64(vector, "blockSize"));
    mayday_uniform_hash(&mayday_sha256, &shape, (uint8_t)json_u64(vector, "level"), (uint32_t)json_u64(vector, "index"),
                        (uint8_t)json_u64(vector, "value"), hash);
    CHECK(has_hex(hash, json_get(vector, "hash")) == json_bool(vector, "holds"), "the claim: %s", json_text(vector, "name"));
  }
}

/* image-tree.json: images of one pattern, leaf by leaf. */
static void check_roots(const json *roots) {
  const uint64_t block_size = json_u64(roots, "blockSize");
  JSON_EACH(vector, json_get(roots, "trees")) {
    const mayday_shape shape = shape_of(json_u64(vector, "size"), block_size);
    static mayday_folding folding;
    mayday_hash_state all;
    uint8_t leaf[32] = {0}, root[32], sum[32];
    uint32_t at = 0;
    mayday_folding_init(&folding);
    mayday_sha256.begin(&all);
    for (uint32_t b = 0; b < shape.leaves; b++) {
      uint8_t block[1024];
      const uint32_t length = mayday_block_length(&shape, b);
      for (uint32_t i = 0; i < length; i++, at++) block[i] = (uint8_t)((7 * at + 3) ^ at / 256);
      mayday_leaf_hash(&mayday_sha256, block, length, leaf);
      mayday_folding_add(&mayday_sha256, &folding, leaf);
      mayday_sha256.add(&all, block, length);
    }
    mayday_folding_end(&mayday_sha256, &folding, root);
    mayday_sha256.end(&all, sum);
    CHECK(shape.leaves == json_u64(vector, "leafCount"), "%lu bytes have so many leaves", (unsigned long)shape.size);
    CHECK(has_hex(leaf, json_get(vector, "lastLeaf")), "the last leaf of %lu bytes", (unsigned long)shape.size);
    CHECK(has_hex(root, json_get(vector, "root")), "the root of %lu bytes", (unsigned long)shape.size);
    CHECK(has_hex(sum, json_get(vector, "sha256")), "the SHA-256 of %lu bytes", (unsigned long)shape.size);
  }
}

int main(int argc, char **argv) {
  const char *vectors = argc > 1 ? argv[1] : "../vectors";
  const json *tree = json_load(vectors, "tree-v1.json");
  check_trees(tree);
  check_runs(tree);
  check_uniform(tree);
  check_roots(json_load(vectors, "image-tree.json"));
  return check_end("tree");
}
