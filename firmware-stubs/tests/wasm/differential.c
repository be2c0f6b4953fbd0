/* What the differential fuzzer asks of the C side (scripts/firmware/differential.mjs): single functions, and the board and target of
 * target.c. Input lies in `exchange`, what comes out of it beside the result in `answer`. */
#include "base/bytes.h"
#include "target.c"

#include "base/sha256.h"
#include "flash/entry.h"
#include "flash/map.h"
#include "flash/record.h"
#include "image/envelope.h"
#include "image/trust_store.h"
#include "link/acks.h"
#include "mayday/mailbox.h"
#include "session/walk.h"
#include "wire/cobs.h"
#include "wire/frame.h"

#define ANSWER_BYTES 8192u

static uint8_t answer_bytes[ANSWER_BYTES];
static uint32_t answer_length;
static mayday_acks acks;

static void put(const void *bytes, size_t length) {
  memcpy(answer_bytes + answer_length, bytes, length);
  answer_length += (uint32_t)length;
}

static void put_number(uint32_t number) {
  mayday_put32(answer_bytes + answer_length, number);
  answer_length += 4u;
}

EXPORT("answer") uint8_t *answer(void) {
  return answer_bytes;
}

EXPORT("answer_length") uint32_t length_of_answer(void) {
  return answer_length;
}

/* Power off: nothing is left of RAM but the block buffers, which nothing may rely on. */
EXPORT("reset") void reset(void) {
  memset(&the, 0, (size_t)(the.blocks - (uint8_t *)&the));
}

/* A fault, or 0: then the length of its proof, what its extensions say of the second form, and what was read, said again. */
EXPORT("parse_frame") uint32_t parse_frame(uint32_t length, uint32_t tag) {
  /* Packets have no extensions: what is said of these stays 0. */
  mayday_frame frame = {0};
  answer_length = 0;
  mayday_fault fault = mayday_frame_parse(the_exchange, length, tag, &frame);
  if (fault != MAYDAY_FAULT_NONE) return fault;
  put_number(frame.proof == NULL ? 0 : frame.proof_length);
  put_number(frame.forms);
  put_number(frame.has_mended ? frame.mended : UINT32_MAX);
  size_t written = mayday_frame_write(&frame, answer_bytes + answer_length, ANSWER_BYTES - answer_length - MAYDAY_CRC_LENGTH);
  bool is_announcement = (answer_bytes[answer_length] & 15u) == MAYDAY_FRAME_CLASS_ANNOUNCE;
  answer_length += (uint32_t)mayday_frame_close(answer_bytes + answer_length, written, is_announcement ? 0 : tag);
  return 0;
}

/* The frame lies in `exchange` afterwards; 0: none. */
EXPORT("decode_cobs") uint32_t decode_cobs(uint32_t length) {
  return (uint32_t)mayday_cobs_decode(the_exchange, length);
}

EXPORT("encode_cobs") uint32_t encode_cobs(uint32_t length) {
  answer_length = (uint32_t)mayday_cobs_encode(the_exchange, length, answer_bytes);
  return answer_length;
}

EXPORT("run_is_text") uint32_t run_is_text(uint32_t length, uint32_t is_delimited) {
  return mayday_run_is_text(the_exchange, length, is_delimited != 0);
}

static void put_manifest(const mayday_manifest *manifest) {
  put(manifest->digest, 32);
  put(manifest->root, 32);
  put_number((uint32_t)(manifest->order.sequence >> 32));
  put_number((uint32_t)manifest->order.sequence);
  for (int i = 0; i < 3; i++) put_number(manifest->order.version[i]);
  put_number(manifest->counter);
  put_number(manifest->not_after);
  put_number(manifest->size);
  put_number(manifest->leaves);
  put_number(manifest->revision_min);
  put_number(manifest->revision_max);
  put_number(manifest->block_log2);
  put_number(manifest->role);
  put_number(manifest->is_confirmed_by_app);
  put_number(manifest->is_hardware_right);
}

static void set_port(void) {
  the.port.now_ms = now_ms;
  the.port.tx = tx;
  the.port.flash_read = flash_read;
  the.port.flash_erase = flash_erase;
  the.port.flash_program = flash_program;
  the.port.verify = verify;
  the.port.random = random_bytes;
}

/* A code of 5.7; 255: the envelope was changed. Before: set_identity, add_key. */
EXPORT("check_envelope") uint32_t check_envelope(uint32_t length) {
  mayday_policy policy;
  mayday_manifest manifest;
  uint32_t step_max = 0;
  memset(&manifest, 0, sizeof manifest);
  set_port();
  policy.keys = the.identity.keys;
  policy.key_count = the.identity.key_count;
  policy.is_unsigned_allowed = the.identity.is_unsigned_allowed;
  policy.vendor = the.identity.vendor;
  policy.hardware_class = the.identity.hardware_class;
  memcpy(the.frame, the_exchange, length < sizeof the.frame ? length : sizeof the.frame);
  uint8_t code = mayday_envelope_check(&the.port, &policy, the_exchange, length, &manifest, &step_max);
  if (memcmp(the.frame, the_exchange, length < sizeof the.frame ? length : sizeof the.frame) != 0) return 255;
  answer_length = 0;
  put_number(step_max);
  put_manifest(&manifest);
  return code;
}

EXPORT("read_manifest") uint32_t read_manifest(uint32_t length) {
  mayday_manifest manifest;
  memset(&manifest, 0, sizeof manifest);
  uint8_t code = mayday_manifest_read(the_exchange, length, the.vendor, the.hardware_class, &manifest);
  answer_length = 0;
  /* Not computed here: it is that of the payload. */
  memset(manifest.digest, 0, sizeof manifest.digest);
  put_manifest(&manifest);
  return code;
}

/* The host's flash holds two sectors of `size` bytes. Their number of keys, or 255: no store counts. */
EXPORT("read_trust_store") uint32_t read_trust_store(uint32_t size, uint32_t write_unit, uint32_t erased) {
  mayday_key keys[MAYDAY_TRUST_ENTRIES_MAX];
  uint32_t offsets[2];
  uint8_t count = 0;
  offsets[0] = 0;
  offsets[1] = size;
  set_port();
  answer_length = 0;
  if (!mayday_trust_store_read(&the.port, offsets, (uint16_t)write_unit, (uint8_t)erased, keys, &count)) return 255;
  for (uint8_t i = 0; i < count; i++) {
    put(keys[i].bytes, 32);
    put_number(keys[i].roles);
    put_number(keys[i].counter_max);
    put_number(keys[i].step_max);
  }
  return count;
}

/* Of two entries: bit 0 the first is right, bit 1 the second is; what names an image is so only behind its digest entry. */
EXPORT("entries_are_right") uint32_t entries_are_right(void) {
  const uint8_t *first = the_exchange, *second = the_exchange + MAYDAY_ENTRY_LENGTH;
  bool is_first = mayday_entry_is_right(first);
  bool is_second = mayday_entry_is_right(second);
  bool is_joined = is_first && first[MAYDAY_ENTRY_AT_TYPE] == MAYDAY_ENTRY_DIGEST &&
                   mayday_u32(second + MAYDAY_ENTRY_AT_SEQUENCE) == mayday_u32(first + MAYDAY_ENTRY_AT_SEQUENCE) + 1u;
  if (mayday_entry_names_image(first[MAYDAY_ENTRY_AT_TYPE])) is_first = false;
  if (mayday_entry_names_image(second[MAYDAY_ENTRY_AT_TYPE]) && !is_joined) is_second = false;
  return (is_first ? 1u : 0u) | (is_second ? 2u : 0u);
}

static void put_record(const mayday_record *record) {
  const mayday_record_state *state = &record->state;
  put_number((uint32_t)(int32_t)record->active);
  put_number(record->is_clean);
  for (uint8_t i = 0; i < MAYDAY_SLOTS_MAX; i++) {
    const mayday_slot_record *slot = &state->slots[i];
    put_number(slot->flags != 0);
    put_number(slot->flags & ~(unsigned)MAYDAY_SLOT_KNOWN);
    put_number(slot->area);
    put_number(slot->boots);
    put_number(slot->rank);
    put(slot->digest, 32);
  }
  put_number(state->is_receiving);
  put_number(state->receiving_slot);
  put_number(state->receiving_area);
  put(state->receiving_digest, 32);
  put_number(state->floor);
  put_number(state->was_confirmed);
  put_number(state->starts);
  put_number(state->has_given_up);
  put_number((uint32_t)(state->given_up.sequence >> 32));
  put_number((uint32_t)state->given_up.sequence);
  for (int i = 0; i < 3; i++) put_number(state->given_up.version[i]);
  put_number(state->failed_count);
  for (uint8_t i = 0; i < state->failed_count; i++) {
    put(state->failed[i].digest, 8);
    put_number(state->failed[i].count);
  }
  put_number(state->open.count);
  for (uint8_t i = 0; i < state->open.count; i++) {
    put_number(state->open.ranges[i].first);
    put_number(state->open.ranges[i].last);
  }
}

/* Reads the boot record of the host's flash and changes nothing. Before: add_sectors, set_layout. 0: the map does not fit. */
EXPORT("read_record") uint32_t read_record(void) {
  mayday_board *board = &the.board;
  set_port();
  memset(board, 0, sizeof *board);
  board->port = &the.port;
  board->layout = &the.layout;
  answer_length = 0;
  if (!mayday_map_build(&the.layout, &board->map)) return 0;
  mayday_record_read(board);
  put_record(&board->record);
  return 1;
}

/* The same of the board that was opened. */
EXPORT("record") void record(void) {
  answer_length = 0;
  put_record(&the.board.record);
}

/* A board with these bits: boots, trial, installed, receiving. */
EXPORT("status") void status(void) {
  mayday_status status_now;
  const mayday_status *now = &status_now;
  mayday_board_status(&the.board, &status_now);
  answer_length = 0;
  put_number(now->failure);
  put_number(now->is_trial);
  put_number(now->is_installed);
  put_number(now->is_receiving);
  put_number((uint32_t)(now->order.sequence >> 32));
  put_number((uint32_t)now->order.sequence);
  for (int i = 0; i < 3; i++) put_number(now->order.version[i]);
  put(now->installed, 8);
  put(now->receiving, 8);
  put(now->hardware_id, 8);
  put_number(now->floor);
  put_number(the.board.decision.failure == 0 ? the.board.decision.slot : 255u);
  put_number(the.board.has_failed);
}

EXPORT("judge") uint32_t judge(uint32_t length, uint32_t block_max) {
  mayday_manifest manifest;
  uint8_t offered[8];
  /* The offered digest stands behind the envelope. */
  memcpy(offered, the_exchange + length, sizeof offered);
  memcpy(the.blocks, the_exchange, length);
  return mayday_board_judge(&the.board, the.blocks, length, offered, block_max, &manifest);
}

/* Whether a run, or the claim of a uniform node, leads to a hash: in `exchange` that hash, then the bytes. */
EXPORT("check_run") uint32_t check_run(uint32_t size, uint32_t block_log2, uint32_t level, uint32_t index, uint32_t kind, uint32_t length) {
  mayday_board *board = &the.board;
  mayday_writer writer;
  mayday_walk walk;
  mayday_object_buffer run;
  set_port();
  board->port = &the.port;
  board->hash = &mayday_sha256;
  memset(&writer, 0, sizeof writer);
  memset(&walk, 0, sizeof walk);
  memset(&run, 0, sizeof run);
  writer.board = board;
  writer.shape.size = size;
  writer.shape.block_log2 = (uint8_t)block_log2;
  writer.shape.leaves = (size - 1u) / (UINT32_C(1) << block_log2) + 1u;
  walk.depth = 1;
  walk.steps[0].level = (uint8_t)level;
  walk.steps[0].index = index;
  memcpy(walk.steps[0].hash, the_exchange, 32);
  run.bytes = the_exchange + 32;
  run.kind = (uint8_t)kind;
  run.length = (uint16_t)length;
  /* A target walks only to nodes that there are, and asks for no leaf. */
  uint32_t first;
  bool has_run = mayday_run_length(&writer.shape, (uint8_t)level, index, &first) > 0;
  if (!has_run && kind != MAYDAY_OBJECT_KIND_UNIFORM) return false;
  return mayday_walk_take(&walk, &writer, &run);
}

EXPORT("begin_acks") void begin_acks(void) {
  mayday_acks_init(&acks);
}

EXPORT("take_packet") uint32_t take_packet_number(uint32_t low, uint32_t now_us, uint32_t is_probe) {
  return mayday_acks_take(&acks, (uint16_t)low, now_us, is_probe != 0);
}

EXPORT("hurry_ack") void hurry_ack(uint32_t now_us) {
  mayday_acks_hurry(&acks, now_us);
}

/* 0: none is due; else the ack is in `answer`. */
EXPORT("take_ack") uint32_t take_ack(uint32_t now_us) {
  uint8_t ack[MAYDAY_ACK_BYTES];
  if (!mayday_acks_is_due(&acks, now_us)) return 0;
  mayday_acks_build(&acks, now_us, ack);
  answer_length = 0;
  put_number(mayday_u16(ack));
  put_number(ack[2]);
  put(ack + 3, MAYDAY_ACK_BITMAP_LENGTH);
  return 1;
}

static bool send_frame(void *context, const uint8_t *frame, size_t length) {
  (void)context;
  return host_tx(frame, (uint32_t)length) != 0;
}

/* A target over frames (10) or bytes, without a rate. */
EXPORT("start_target") uint32_t start_target(uint32_t are_frames, uint32_t blocks, uint32_t payload_max, uint32_t is_forced) {
  mayday_memory memory = {.frame = the.frame};
  the.line.rto_floor_ms = 10;
  the.line.send_frame = are_frames != 0 ? send_frame : NULL;
  memory.frame_size = MAYDAY_FRAME_ROOM(payload_max);
  memory.blocks = the.blocks;
  memory.blocks_size = blocks < sizeof the.blocks ? blocks : sizeof the.blocks;
  bool is_started = mayday_target_init(&the.target, &the.board, &the.line, &memory, is_forced != 0);
  if (payload_max < the.target.payload_max) the.target.payload_max = (uint16_t)payload_max;
  return is_started;
}

EXPORT("take_frame") void take_whole_frame(uint32_t length) {
  mayday_target_frame(&the.target, the_exchange, length);
}

/* A number of mayday_session_state. */
EXPORT("session_state") uint32_t session_state(void) {
  return the.target.session.state;
}

/* Whether it waits for a run, which it may not have asked for by a request (5.4). */
EXPORT("waits_for_run") uint32_t waits_for_run(void) {
  const mayday_walk *walk = &the.target.walk;
  if (the.target.session.state != MAYDAY_SESSION_RECEIVING) return 0;
  return !walk->is_finished && walk->depth > 0 && !walk->has_answer;
}

EXPORT("session_tag") uint32_t session_tag(void) {
  return the.target.tag;
}

static mayday_mailbox mailbox;
static uint8_t mail_in[16384], mail_out[8192];

EXPORT("begin_mailbox") uint32_t begin_mailbox(uint32_t transaction) {
  mayday_mailbox_memory memory;
  memory.in = mail_in;
  memory.in_size = sizeof mail_in;
  memory.out = mail_out;
  memory.out_size = sizeof mail_out;
  memory.frame_max = MAYDAY_FRAME_MAX;
  memory.transaction_max = (uint16_t)transaction;
  return mayday_mailbox_init(&mailbox, &memory, 0);
}

EXPORT("write_mailbox") uint32_t write_mailbox(uint32_t length) {
  return mayday_mailbox_write(&mailbox, the_exchange, (uint16_t)length);
}

EXPORT("read_mailbox") void read_mailbox(uint32_t length) {
  mayday_mailbox_read(&mailbox, answer_bytes, (uint16_t)length);
  answer_length = length;
}

EXPORT("send_mail") uint32_t send_mail(uint32_t length) {
  return mayday_mailbox_send(&mailbox, the_exchange, length);
}

EXPORT("set_mailbox_busy") void set_mailbox_busy(uint32_t is_busy) {
  mayday_mailbox_set_busy(&mailbox, is_busy != 0);
}

/* The next frame that came, in `answer`; 0: none. */
EXPORT("take_mail") uint32_t take_mail(void) {
  uint16_t length;
  uint8_t *frame = mayday_mailbox_frame(&mailbox, &length);
  answer_length = 0;
  if (frame == NULL) return 0;
  put(frame, length);
  mayday_mailbox_release(&mailbox);
  return 1;
}

#include "differential_fec.h"
