/* What the target of a session wants of a rescuer: from any grant, list of runs and image that there may be, any accept, request and
 * grant, whose entries end where their memory does, and the filling of places with what is wanted. The sender, the tree and the
 * image are stood in for. */
#include "any.h"

#include "session/rescuer_parts.h"

static uint8_t entries[5u * MAYDAY_GRANT_ENTRIES_MAX], requested[4u * MAYDAY_REQUEST_ENTRIES_MAX];
static mayday_rescuer rescuer;

mayday_shape mayday_rescuer_shape(const mayday_rescuer *of) {
  mayday_shape shape = {of->source->manifest->size, of->leaves, of->source->manifest->block_log2};
  return shape;
}

bool mayday_rescuer_is_uniform(mayday_rescuer *of, uint32_t block, bool is_first, uint8_t *value) {
  (void)block;
  (void)is_first;
  of->state = any_bool() ? MAYDAY_RESCUER_SERVING : MAYDAY_RESCUER_LISTENING;
  *value = any8();
  return any_bool();
}

uint8_t mayday_run_length(const mayday_shape *shape, uint8_t level, uint32_t index, uint32_t *first) {
  (void)shape;
  (void)level;
  (void)index;
  *first = any32();
  return Frama_C_unsigned_char_interval(0, MAYDAY_RUN_HASHES);
}

uint8_t mayday_run_level(uint8_t level) {
  return level > 4u ? (uint8_t)(level - 4u) : 0;
}

static uint8_t any_item(void) {
  return any_bool() ? MAYDAY_NO_ITEM : Frama_C_unsigned_char_interval(0, MAYDAY_RESCUER_ITEMS - 1);
}

uint8_t mayday_sender_find(const mayday_sender *sender, uint8_t kind, uint32_t name, uint8_t attempt) {
  (void)sender;
  (void)kind;
  (void)name;
  (void)attempt;
  return any_item();
}

uint8_t mayday_sender_add(mayday_sender *sender, uint8_t kind, uint32_t name, uint8_t attempt, uint32_t length) {
  (void)length;
  return mayday_sender_find(sender, kind, name, attempt);
}

void mayday_sender_drop(mayday_sender *sender, uint8_t item) {
  //@ assert item < MAYDAY_RESCUER_ITEMS;
  make_any(&sender->items[item], sizeof sender->items[item]);
}

void mayday_sender_set_length(mayday_sender *sender, uint8_t item, uint32_t length) {
  (void)length;
  mayday_sender_drop(sender, item);
}

uint8_t mayday_sender_completed(const mayday_sender *sender) {
  (void)sender;
  return any_item();
}

/* The state before a call, as any of them leaves it. */
static void any_state(void) {
  make_any(rescuer.grant, sizeof rescuer.grant);
  make_any(rescuer.granted_done, sizeof rescuer.granted_done);
  make_any(rescuer.wanted, sizeof rescuer.wanted);
  make_any(rescuer.sender.items, sizeof rescuer.sender.items);
  make_any(entries, sizeof entries);
  make_any(requested, sizeof requested);
  rescuer.grant_count = Frama_C_unsigned_char_interval(0, MAYDAY_GRANT_ENTRIES_MAX);
  rescuer.granted = any8();
  rescuer.wanted_count = Frama_C_unsigned_char_interval(0, 16);
  rescuer.open_blocks = any8();
  rescuer.busy_budget = any32();
  rescuer.earning = any32();
  rescuer.is_past_manifest = any_bool();
  rescuer.state = MAYDAY_RESCUER_SERVING;
}

static void request(uint8_t count) {
  mayday_frame frame = {.kind = MAYDAY_REQUEST};
  any_state();
  frame.as.list.count = count;
  frame.as.list.entries = requested + sizeof requested - 4u * count;
  mayday_rescuer_take_request(&rescuer, &frame);
}

static void grant(uint8_t count) {
  any_state();
  /* Eva asks for a byte to move also where none is. */
  mayday_rescuer_take_grant(&rescuer, count == 0 ? entries : entries + sizeof entries - 5u * count, count);
}

int main(void) {
  static mayday_manifest manifest;
  static mayday_source source;
  manifest.size = Frama_C_unsigned_int_interval(1, UINT32_MAX);
  manifest.block_log2 = Frama_C_unsigned_char_interval(10, 16);
  source.manifest = &manifest;
  source.envelope_length = (uint16_t)Frama_C_interval(0, UINT16_MAX);
  rescuer.source = &source;
  rescuer.leaves = Frama_C_unsigned_int_interval(1, 1u << 20);
  rescuer.root_level = Frama_C_unsigned_char_interval(0, MAYDAY_TREE_LEVELS_MAX);
  //@ loop unroll MAYDAY_REQUEST_ENTRIES_MAX + 1;
  for (uint8_t count = 0; count <= MAYDAY_REQUEST_ENTRIES_MAX; count++) request(count);
  //@ loop unroll MAYDAY_GRANT_ENTRIES_MAX + 1;
  for (uint8_t count = 0; count <= MAYDAY_GRANT_ENTRIES_MAX; count++) grant(count);
  any_state();
  mayday_rescuer_take_asks(&rescuer, any8());
  any_state();
  (void)mayday_rescuer_is_delivered(&rescuer);
  (void)mayday_rescuer_fill(&rescuer);
  any_state();
  mayday_rescuer_drop_delivered(&rescuer);
  return 0;
}
