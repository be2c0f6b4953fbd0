/* A board over flash in RAM: what it boots, what it takes, and what it does when things fail (PROTOCOL.md 8.4, 13.4, 13.5). */
#include "board/inner.h"
#include "check.h"
#include "flash/flash.h"
#include "flash/map.h"
#include "flash/ranges.h"
#include "ram_flash.h"
#include "small_image.h"

static uint8_t memory[1u << 20];
static ram_flash flash;
static mayday_port port;
static mayday_layout layout;
static mayday_identity identity;
static mayday_board board;
static mayday_writer writer;
static uint8_t scratch[MAYDAY_SCRATCH_BYTES];
static uint32_t port_floor;

static uint32_t floor_read(void *context) {
  (void)context;
  return port_floor;
}

static bool floor_raise(void *context, uint32_t floor) {
  (void)context;
  port_floor = floor;
  return true;
}

static uint32_t verify_all(void *context, const uint8_t key[32], const uint8_t signature[64], const uint8_t *message,
                           size_t length) {
  (void)context;
  (void)key;
  (void)signature;
  (void)message;
  (void)length;
  return MAYDAY_SIGNATURE_RIGHT;
}

static bool restart(void) {
  bool is_open = mayday_board_open(&board, &port, &layout, &identity, scratch);
  mayday_writer_init(&writer, &board);
  return is_open;
}

static const mayday_sectors small_sectors[] = {{256, 4096}};
static const mayday_sectors unequal_sectors[] = {{4, 4096}, {1, 16384}, {7, 32768}};

/* A blank board. */
static void make_board(bool is_ab, bool is_unequal, uint16_t write_unit, uint8_t erased) {
  flash.bytes = memory;
  flash.size = sizeof memory;
  flash.erased = erased;
  flash.write_unit = write_unit;
  flash.is_programmed_once = false;
  flash.fails_in = -1;
  flash.unreadable_from = flash.unreadable_to = 0;
  flash.faults = 0;
  memset(memory, erased, sizeof memory);
  port = ram_port(&flash);
  port.verify = verify_all;
  port_floor = 0;
  memset(&layout, 0, sizeof layout);
  layout.sectors = is_unequal ? unequal_sectors : small_sectors;
  layout.sector_runs = is_unequal ? 3 : 1;
  layout.is_ab = is_ab;
  layout.are_manifests_in_record = is_unequal;
  layout.erased = erased;
  layout.write_unit = write_unit;
  layout.recovery_size = 8192;
  layout.slot_size = is_unequal ? 70000 : 60000;
  memset(&identity, 0, sizeof identity);
  identity.vendor = VENDOR;
  identity.hardware_class = HARDWARE_CLASS;
  identity.is_unsigned_allowed = true;
  identity.is_update_allowed = true;
  identity.is_single_update_allowed = true;
  CHECK(mayday_layout_is_right(&layout), "the layout is right");
  CHECK(restart(), "a blank board opens");
  CHECK(board.decision.failure == MAYDAY_BOOT_FAILURE_CODE_EMPTY, "a blank board is empty");
}

static uint8_t judge(small_image *image) {
  mayday_manifest manifest;
  return mayday_board_judge(&board, image->envelope, image->length, image->digest, 65536, &manifest);
}

/* Judges an image and opens the writer for it. */
static void open_writer(small_image *image) {
  mayday_manifest manifest;
  uint8_t code = mayday_board_judge(&board, image->envelope, image->length, image->digest, 65536, &manifest);
  CHECK(code == 0, "image %u is accepted, not refused with %u", image->major, code);
  mayday_writer_open(&writer, &manifest);
}

static void install(small_image *image) {
  open_writer(image);
  sent done = image_send(&writer, image, UINT32_MAX);
  CHECK(done.is_whole, "image %u is written", image->major);
  uint8_t failure = mayday_writer_commit(&writer, writer.is_begun ? NULL : image->envelope, image->length);
  CHECK(failure == 0, "image %u boots after it was written, and does not fail with %u", image->major, failure);
  CHECK(board.decision.failure == 0 && board.order.version[0] == image->major, "image %u is decided on",
        image->major);
  CHECK(flash.faults == 0, "no rule of the flash is broken");
}

/* Whether flash holds the image where the board says that it boots. */
static bool boots(const small_image *image) {
  if (board.decision.failure != 0) return false;
  const mayday_region slot = board.map.slots[board.decision.slot];
  uint8_t last[1];
  return memcmp(memory + slot.offset, image->data, image->size) == 0 && mayday_board_read(&board, image->size - 1u, last, 1) &&
         last[0] == image->data[image->size - 1u] && !mayday_board_read(&board, image->size, last, 1);
}

static bool start(void) {
  return restart() && mayday_board_attempt(&board);
}

static void check_install(bool is_ab, bool is_unequal, uint16_t write_unit, uint8_t erased, uint8_t block_log2) {
  small_image first = image_make(50001, block_log2, 1, 1, false);
  small_image second = image_make(40000, block_log2, 2, 2, true);
  make_board(is_ab, is_unequal, write_unit, erased);
  install(&first);
  CHECK(start() && boots(&first), "the first image boots");
  CHECK(board.record.state.floor == 0, "the floor waits until the image ran");
  CHECK(start() && board.record.state.floor == 1, "the next attempt proves it, and raises the floor");
  CHECK(mayday_board_floor(&board) == 1 && board.is_installed && board.decision.failure == 0, "the status says so");
  unsigned long operations = flash.erases + flash.programs;
  CHECK(start() && boots(&first) && flash.erases + flash.programs == operations, "a healthy start writes nothing");
  CHECK(judge(&first) == MAYDAY_REFUSAL_CODE_VERSION, "the image that runs is refused");
  install(&second);
  CHECK(board.decision.is_trial, "an image that is confirmed by its app is on trial");
  CHECK(start() && boots(&second), "the second image boots");
  CHECK(mayday_board_confirm(&board) && board.record.state.floor == 2, "the second image is confirmed, and raises the floor");
  CHECK(start() && boots(&second) && !board.decision.is_trial, "it boots on");
  uint8_t envelope[MAYDAY_ENVELOPE_MAX];
  CHECK(mayday_board_envelope(&board, envelope) == second.length && memcmp(envelope, second.envelope, second.length) == 0,
        "its envelope can be handed on");
  image_free(&first);
  image_free(&second);
}

/* A flipped sector is repaired, and nothing else is written. */
static void check_repair(void) {
  small_image image = image_make(50001, 10, 1, 1, false);
  make_board(false, false, 16, 0xff);
  install(&image);
  CHECK(mayday_board_confirm(&board), "the image is confirmed");
  memory[board.map.slots[0].offset + 20000] ^= 1;
  CHECK(restart() && board.decision.failure == MAYDAY_BOOT_FAILURE_CODE_HASH, "a flipped bit is found");
  CHECK(board.is_installed && board.order.version[0] == 1, "the status still says what is installed");
  open_writer(&image);
  uint32_t damaged = 20000 / 1024;
  CHECK(!mayday_writer_has(&writer, 0, damaged, image.leaves[damaged]), "the damaged block is missing");
  sent done = image_send(&writer, &image, UINT32_MAX);
  CHECK(done.written == 4, "the four blocks of its sector are written, not %u", done.written);
  CHECK(mayday_writer_commit(&writer, NULL, 0) == 0, "the board boots again");
  CHECK(board.record.state.slots[0].flags == (MAYDAY_SLOT_KNOWN | MAYDAY_SLOT_CONFIRMED), "it stays confirmed and proven");
  /* Nothing to repair: the manifest is stored, and that is all. */
  memory[board.map.areas[board.record.state.slots[0].area] + 20] ^= 1;
  CHECK(restart() && board.decision.failure == MAYDAY_BOOT_FAILURE_CODE_MANIFEST, "a damaged manifest is found");
  open_writer(&image);
  done = image_send(&writer, &image, UINT32_MAX);
  CHECK(done.written == 0 && !writer.is_begun, "no block has to be written");
  CHECK(mayday_writer_commit(&writer, NULL, 0) != 0, "without the envelope there is nothing to commit");
  open_writer(&image);
  CHECK(mayday_writer_commit(&writer, image.envelope, image.length) == 0, "with the manifest it boots again");
  CHECK(flash.faults == 0, "no rule of the flash is broken");
  image_free(&image);
}

static void check_resume(bool is_unequal) {
  small_image image = image_make(50001, 10, 1, 1, false);
  make_board(false, is_unequal, 16, 0xff);
  open_writer(&image);
  sent done = image_send(&writer, &image, 21);
  CHECK(done.written == 21 && board.record.state.is_receiving, "half of it is received");
  mayday_status status;
  mayday_board_status(&board, &status);
  CHECK(status.is_receiving && memcmp(status.receiving, image.digest, 8) == 0, "the status says what is being received");
  mayday_writer_leave(&writer);
  unsigned long erases = flash.erases;
  open_writer(&image);
  CHECK(writer.is_begun, "the same run continues");
  done = image_send(&writer, &image, 8);
  CHECK(done.written == 8 && flash.erases == erases, "the unit that is unfinished is continued, not erased again");
  mayday_writer_leave(&writer);
  CHECK(restart() && board.decision.failure == MAYDAY_BOOT_FAILURE_CODE_RECEIVING, "after a restart it is being received");
  open_writer(&image);
  CHECK(!writer.is_begun, "another run begins from the start");
  done = image_send(&writer, &image, UINT32_MAX);
  CHECK(done.is_whole && done.written < image.shape.leaves, "blocks that were received stay: %u are written", done.written);
  CHECK(mayday_writer_commit(&writer, NULL, 0) == 0 && boots(&image), "it boots");
  CHECK(flash.faults == 0, "no rule of the flash is broken");
  image_free(&image);
}

static void fail_trial(small_image *image) {
  install(image);
  for (int i = 0; i < 3; i++) CHECK(start() && boots(image) && board.decision.is_trial, "boot %d of the trial", i);
  CHECK(restart() && mayday_board_attempt(&board), "the start behind the trial");
}

static void check_trial_and_quarantine(bool is_ab) {
  small_image good = image_make(30000, 12, 1, 1, false);
  small_image bad = image_make(31000, 12, 2, 2, true);
  make_board(is_ab, false, 8, 0xff);
  install(&good);
  CHECK(start() && start(), "the good image is proven");
  fail_trial(&bad);
  CHECK(board.record.state.failed_count == 1 && board.record.state.failed[0].count == 1, "one failed confirm is counted");
  if (is_ab) {
    CHECK(boots(&good), "the board falls back to the other slot");
    fail_trial(&bad);
    fail_trial(&bad);
    CHECK(boots(&good), "it falls back each time");
    CHECK(judge(&bad) == (MAYDAY_WITH_QUARANTINE ? MAYDAY_REFUSAL_CODE_QUARANTINED : 0), "a board that boots takes it no more");
  } else {
    CHECK(board.decision.failure == MAYDAY_BOOT_FAILURE_CODE_REVERTED, "the board calls for help");
    fail_trial(&bad);
    fail_trial(&bad);
    for (int i = 0; i < 3 * MAYDAY_WITH_QUARANTINE; i++) {
      CHECK(judge(&bad) == MAYDAY_REFUSAL_CODE_QUARANTINED, "refusal %d of an image in quarantine", i);
    }
    CHECK(judge(&bad) == 0, "then it is taken once more");
    CHECK(restart() && judge(&bad) == (MAYDAY_WITH_QUARANTINE ? MAYDAY_REFUSAL_CODE_QUARANTINED : 0),
          "refusals are counted since the start");
    for (int i = 1; i < 3 * MAYDAY_WITH_QUARANTINE; i++) (void)judge(&bad);
    fail_trial(&bad);
    for (int i = 0; i < 6 * MAYDAY_WITH_QUARANTINE; i++) {
      CHECK(judge(&bad) == MAYDAY_REFUSAL_CODE_QUARANTINED, "refusal %d after one more failed confirm", i);
    }
    CHECK(judge(&bad) == 0, "then it is taken again");
  }
  CHECK(mayday_board_floor(&board) == 1, "a trial that failed raises no floor");
  if (is_ab) board.record.state.failed[0].count = 2; /* else it is in quarantine for good */
  install(&bad);
  CHECK(start() && mayday_board_confirm(&board), "it can be confirmed in the end");
  CHECK(board.record.state.failed_count == 0, "its failed confirms are forgotten");
  CHECK(mayday_board_floor(&board) == 2, "the floor rises with it");
  image_free(&good);
  image_free(&bad);
}

/* The last boot of a trial is counted already when its firmware opens the board. */
static void check_last_boot(void) {
  small_image image = image_make(30000, 12, 2, 2, true);
  make_board(false, false, 16, 0xff);
  install(&image);
  for (int i = 0; i < 3; i++) CHECK(start() && boots(&image), "boot %d of the trial", i);
  CHECK(restart() && mayday_board_confirm(&board) && boots(&image), "in its last boot an image can be confirmed");
  CHECK(start() && boots(&image) && !board.decision.is_trial, "and boots on");
  image_free(&image);
}

static void check_given_up(void) {
  small_image old = image_make(30000, 12, 1, 1, false);
  small_image run = image_make(31000, 12, 3, 1, false);
  small_image next = image_make(32000, 12, 4, 1, false);
  make_board(false, false, 16, 0xff);
  install(&run);
  CHECK(mayday_board_confirm(&board), "the image is confirmed");
  open_writer(&next);
  (void)image_send(&writer, &next, 3);
  mayday_writer_leave(&writer);
  CHECK(board.decision.failure == MAYDAY_BOOT_FAILURE_CODE_RECEIVING, "in the only slot an update ends what boots");
  CHECK(judge(&old) == MAYDAY_REFUSAL_CODE_VERSION, "an image older than the one that was given up is refused");
  CHECK(restart() && judge(&old) == MAYDAY_REFUSAL_CODE_VERSION, "so it is after a restart");
  install(&run);
  CHECK(!board.record.state.has_given_up, "a confirmed image in the slot ends that");
  memory[board.map.slots[0].offset] ^= 1;
  CHECK(restart() && judge(&old) == 0, "a board that was only damaged takes any image at or above its floor");
  image_free(&old);
  image_free(&run);
  image_free(&next);
}

static void check_way_back(void) {
  small_image first = image_make(30000, 12, 1, 1, false);
  small_image second = image_make(31000, 12, 2, 2, false);
  small_image third = image_make(32000, 12, 3, 3, false);
  make_board(true, false, 16, 0xff);
  install(&first);
  CHECK(start() && start(), "the first image is proven");
  uint8_t slot = board.decision.slot;
  install(&second);
  CHECK(board.decision.slot != slot && board.decision.has_way_back, "the first one is the way back of the second");
  CHECK(judge(&third) == MAYDAY_REFUSAL_CODE_HEALTHY, "no update takes the way back");
  memory[board.map.slots[board.decision.slot].offset + 100] ^= 1;
  CHECK(start() && boots(&first), "the way back boots when the second is damaged");
  memory[board.map.slots[slot ^ 1u].offset + 100] ^= 1;
  CHECK(start() && boots(&second) && judge(&third) == MAYDAY_REFUSAL_CODE_HEALTHY, "the second one ran once");
  CHECK(start() && judge(&third) == 0 && board.record.state.floor == 2, "the next attempt proves it, and ends the way back");
  open_writer(&third);
  sent done = image_send(&writer, &third, UINT32_MAX);
  CHECK(done.is_whole && boots(&second), "the slot that boots is not touched");
  CHECK(mayday_writer_commit(&writer, NULL, 0) == 0 && boots(&third), "the third one boots");
  image_free(&first);
  image_free(&second);
  image_free(&third);
}

/* Blocks of the other slot need not be sent. */
static void check_copy(void) {
  small_image first = image_make(30000, 12, 1, 1, false);
  small_image same = image_make(30000, 12, 1, 1, false);
  make_board(true, false, 16, 0xff);
  install(&first);
  CHECK(mayday_board_confirm(&board), "the image is confirmed");
  memory[board.map.slots[board.decision.slot].offset + 5000] ^= 1;
  uint8_t slot = board.decision.slot;
  board.record.state.slots[slot].flags = 0; /* as if it lay in a slot that nothing is known of */
  mayday_board_decide(&board);
  board.decision.failure = 0;
  board.decision.slot = slot;
  mayday_manifest manifest;
  board.order.sequence = 0;
  CHECK(mayday_board_judge(&board, same.envelope, same.length, same.digest, 65536, &manifest) == 0, "it is accepted");
  mayday_writer_open(&writer, &manifest);
  sent done = image_send(&writer, &same, UINT32_MAX);
  CHECK(done.is_whole && done.copied == same.shape.leaves - 1u, "all blocks but the damaged one come from the other slot");
  image_free(&first);
  image_free(&same);
}

static void check_admission(void) {
  small_image image = image_make(30000, 12, 5, 5, false);
  small_image large = image_make(60001, 12, 6, 5, false);
  mayday_manifest manifest;
  make_board(false, false, 16, 0xff);
  CHECK(judge(&large) == MAYDAY_REFUSAL_CODE_SIZE, "an image larger than the slot is refused");
  uint8_t other[8] = {0};
  CHECK(mayday_board_judge(&board, image.envelope, image.length, other, 65536, &manifest) == MAYDAY_REFUSAL_CODE_MANIFEST,
        "another digest than the one that was offered is refused");
  CHECK(mayday_board_judge(&board, image.envelope, image.length, image.digest, 2048, &manifest) ==
            MAYDAY_REFUSAL_CODE_BLOCK_SIZE, "a block that cannot be buffered is refused");
  identity.revision = 10;
  CHECK(judge(&image) == MAYDAY_REFUSAL_CODE_HARDWARE, "another revision is refused");
  identity.revision = 0;
  identity.vendor = "acne";
  CHECK(judge(&image) == MAYDAY_REFUSAL_CODE_HARDWARE, "another vendor is refused");
  identity.vendor = VENDOR;
  board.record.state.floor = 6;
  CHECK(judge(&image) == MAYDAY_REFUSAL_CODE_COUNTER, "an image below the floor is refused");
  board.record.state.floor = 0;
  image.envelope[300 - 37] ^= 1;
  image.envelope[0] ^= 1;
  CHECK(judge(&image) == MAYDAY_REFUSAL_CODE_MANIFEST, "what is no envelope is refused");
  image.envelope[300 - 37] ^= 1;
  image.envelope[0] ^= 1;
  /* With a key that may take steps of 10. */
  static const mayday_key key = {{3, 0xa1, 7}, 1, UINT32_MAX, 10};
  identity.keys = &key;
  identity.key_count = 1;
  CHECK(judge(&image) == MAYDAY_REFUSAL_CODE_UNSIGNED, "a board with keys refuses an unsigned image");
  small_image far = image_make(30000, 12, 7, 16, false);
  image_sign(&image, key.bytes);
  image_sign(&far, key.bytes);
  CHECK(judge(&far) == 0, "a board that never had an image takes any step");
  install(&image);
  CHECK(mayday_board_confirm(&board) && mayday_board_floor(&board) == 5, "the image is confirmed");
  CHECK(judge(&far) == MAYDAY_REFUSAL_CODE_COUNTER, "then a step of 11 is refused");
  identity.is_single_update_allowed = false;
  small_image next = image_make(30000, 12, 8, 15, false);
  image_sign(&next, key.bytes);
  CHECK(judge(&next) == MAYDAY_REFUSAL_CODE_HEALTHY, "with one slot an update needs the owner's consent");
  identity.is_single_update_allowed = true;
  CHECK(judge(&next) == 0, "with it a step of 10 is taken");
  identity.is_update_allowed = false;
  CHECK(judge(&next) == MAYDAY_REFUSAL_CODE_HEALTHY, "a board that asks for no update refuses all");
  identity.key_count = 0;
  image_free(&image);
  image_free(&large);
  image_free(&far);
  image_free(&next);
}

static void check_port_floor(void) {
  small_image image = image_make(30000, 12, 5, 5, false);
  make_board(false, false, 16, 0xff);
  port.floor_read = floor_read;
  port.floor_raise = floor_raise;
  CHECK(restart(), "a board with a floor of its port opens");
  install(&image);
  CHECK(mayday_board_confirm(&board) && port_floor == 5, "the floor of the port is raised with that of the record");
  port_floor = 3;
  CHECK(restart() && port_floor == 5, "what could not be raised before is raised at the next start");
  port_floor = 6;
  CHECK(restart() && board.decision.failure == MAYDAY_BOOT_FAILURE_CODE_COUNTER, "the higher floor holds");
  CHECK(mayday_board_floor(&board) == 6 && judge(&image) == MAYDAY_REFUSAL_CODE_COUNTER, "also in the status, and for offers");
  image_free(&image);
}

/* Whatever operation fails: the board stays in distress, writes nothing more, and can be healed after a restart. */
static void check_flash_failures(void) {
  small_image image = image_make(14000, 12, 1, 1, false);
  unsigned long failures = 0;
  for (long at = 0;; at++) {
    make_board(false, false, 16, 0xff);
    mayday_manifest manifest;
    CHECK(mayday_board_judge(&board, image.envelope, image.length, image.digest, 65536, &manifest) == 0, "it is accepted");
    mayday_writer_open(&writer, &manifest);
    flash.fails_in = at;
    sent done = image_send(&writer, &image, UINT32_MAX);
    uint8_t failure = done.is_whole ? mayday_writer_commit(&writer, NULL, 0) : 1;
    if (failure == 0) break;
    failures++;
    CHECK(board.has_failed, "operation %ld fails, and the board knows it", at);
    CHECK(board.decision.failure != 0, "operation %ld fails, and nothing boots", at);
    unsigned long operations = flash.erases + flash.programs;
    flash.fails_in = -1;
    static uint8_t block[4096 + 16];
    (void)mayday_writer_begin(&writer, image.envelope, image.length);
    memcpy(block, image.data + 3 * 4096, 14000 - 3 * 4096);
    CHECK(mayday_writer_write(&writer, 3, image.leaves[3], block) != MAYDAY_WRITTEN, "nor is a block written");
    mayday_writer_leave(&writer);
    CHECK(flash.erases + flash.programs == operations, "nothing is written after operation %ld failed", at);
    CHECK(restart(), "the board starts again after operation %ld failed", at);
    install(&image);
  }
  CHECK(failures > 20, "%lu operations failed one after the other", failures);
  flash.fails_in = 0;
  CHECK(!mayday_board_confirm(&board) && board.has_failed && board.decision.failure != 0, "a confirm that fails ends in distress");
  image_free(&image);
}

/* Flash that reads as uncorrectable is damage, not the end. */
static void check_unreadable(void) {
  small_image image = image_make(30000, 12, 1, 1, false);
  for (uint32_t at = 8192; at < 8192 + 5 * 4096 + 30000; at += 1024) {
    make_board(false, false, 16, 0xff);
    install(&image);
    flash.unreadable_from = at;
    flash.unreadable_to = at + 1;
    CHECK(restart(), "the board opens with an unreadable byte at %u", at);
    (void)mayday_board_attempt(&board);
    flash.unreadable_to = 0;
    CHECK(restart(), "and again when it reads");
    if (board.decision.failure == 0) continue;
    install(&image);
  }
  image_free(&image);
}

/* Flash with an error correction takes one program each erase. */
static void check_programmed_once(void) {
  small_image first = image_make(50001, 12, 1, 1, false);
  small_image second = image_make(50001, 12, 2, 2, false);
  memset(first.data, 0xff, 4096); /* what follows could be programmed over */
  make_board(false, false, 16, 0xff);
  flash.is_programmed_once = true;
  layout.is_programmed_once = true;
  install(&second);
  CHECK(start() && start(), "the image is proven");
  mayday_region slot = board.map.slots[0];
  memory[slot.offset + 8200] = (uint8_t)(memory[slot.offset + 8200] | 1);
  memory[slot.offset + 8200] = (uint8_t)(memory[slot.offset + 8200] ^ 0xf1);
  memset(memory + slot.offset + 4096, 0xff, 2048);
  CHECK(restart() && board.decision.failure == MAYDAY_BOOT_FAILURE_CODE_HASH, "it is damaged");
  install(&second);
  image_free(&first);
  image_free(&second);
}

/* Ranges that were joined for want of room: units between them are not begun. */
static void check_joined_ranges(void) {
  small_image image = image_make(59000, 10, 1, 1, false);
  make_board(false, false, 16, 0xff);
  install(&image);
  uint32_t offset = board.map.slots[0].offset;
  uint32_t first = offset / 4096;
  /* The slot has 15 sectors: every other one open, and some far behind it. */
  for (uint32_t i = 0; i < 12; i++) {
    uint32_t sector = i < 6 ? first + 2 + 2 * i : 1000 + 10 * i;
    mayday_sector_range range = {(mayday_sector_number)sector, (mayday_sector_number)sector};
    CHECK(mayday_sectors_append(&board, &range, NULL), "a sector is opened");
  }
  /* To open the first one joins it with the third; one block of the second differs. */
  memory[offset] ^= 1;
  memory[offset + 4096 + 1024] ^= 1;
  CHECK(restart() && board.record.state.open.count == 12, "twelve ranges are read");
  install(&image);
  CHECK(boots(&image), "the image boots");
  image_free(&image);
}

/* A unit is erased unless it is blank, or takes its only block as it is. */
static void check_erases(uint8_t block_log2, unsigned long expected) {
  small_image image = image_make(30000, block_log2, 1, 1, false);
  make_board(false, false, 16, 0xff);
  install(&image);
  uint8_t *second = memory + board.map.slots[0].offset + 4096;
  /* Half of the second sector's first 1024 bytes, and nothing behind. */
  memset(second + 512, 0xff, 4096 - 512);
  CHECK(restart() && board.decision.failure == MAYDAY_BOOT_FAILURE_CODE_HASH, "it is damaged");
  open_writer(&image);
  CHECK(mayday_writer_begin(&writer, image.envelope, image.length), "the record says that it is received");
  unsigned long erases = flash.erases;
  CHECK(image_send(&writer, &image, UINT32_MAX).is_whole && mayday_writer_commit(&writer, NULL, 0) == 0, "it is repaired");
  CHECK(flash.erases - erases == expected, "%lu erases of a unit that programs erased bits only", flash.erases - erases);
  image_free(&image);
}

/* What follows the image in its last sector is erased when the image is repaired. */
static void check_tail(void) {
  small_image image = image_make(30000, 12, 1, 1, false);
  make_board(false, false, 16, 0xff);
  install(&image);
  uint8_t *tail = memory + board.map.slots[0].offset + 30001;
  *tail = 0;
  CHECK(restart() && boots(&image), "bytes behind the image do not keep it from booting");
  memory[board.map.slots[0].offset] ^= 1;
  CHECK(restart() && !boots(&image), "it is damaged");
  install(&image);
  CHECK(*tail == 0xff, "bytes behind the image are erased with its repair");
  image_free(&image);
}

static void check_starts(void) {
  make_board(false, false, 16, 0xff);
  CHECK(mayday_board_take_start(&board) == 1 && mayday_board_take_start(&board) == 2, "starts are counted");
  CHECK(restart() && mayday_board_take_start(&board) == 3, "over restarts");
  board.record.state.starts = UINT32_MAX;
  CHECK(mayday_board_take_start(&board) == 0, "the last number is not taken twice");
}

static void check_layouts(void) {
  static const mayday_sectors few[] = {{4, 1024}};
  static const mayday_sectors odd[] = {{4, 3072}};
  make_board(false, false, 16, 0xff);
  layout.sectors = few;
  CHECK(!mayday_layout_is_right(&layout), "sectors that do not reach are refused");
  layout.sectors = odd;
  CHECK(!mayday_layout_is_right(&layout), "a sector size that is no power of two is refused");
  layout.sectors = small_sectors;
  layout.write_unit = 24;
  CHECK(!mayday_layout_is_right(&layout), "a write unit that is no power of two is refused");
  layout.write_unit = 16;
  layout.slot_size = 0;
  CHECK(!mayday_layout_is_right(&layout), "a slot of no bytes is refused");
  static const mayday_sectors kib[] = {{600, 1024}};
  layout.sectors = kib;
  layout.slot_size = 10000;
  layout.write_unit = 32;
  CHECK(mayday_layout_is_right(&layout), "1 KiB is enough for the record with write units of 32 bytes");
  layout.write_unit = 64;
  CHECK(!mayday_layout_is_right(&layout), "and not with 64");
  if (!MAYDAY_WITH_RECORD_MANIFESTS) return;
  /* The example of 13.1. */
  static const mayday_sectors f4[] = {{4, 16384}, {1, 65536}, {7, 131072}};
  layout.sectors = f4;
  layout.sector_runs = 3;
  layout.are_manifests_in_record = true;
  layout.write_unit = 4;
  layout.recovery_size = 32768;
  layout.slot_size = 960 * 1024;
  CHECK(mayday_layout_is_right(&layout), "the STM32F4 of 13.1 is a layout");
  mayday_map map;
  CHECK(mayday_map_build(&layout, &map) && map.record[0].offset == 32768 && map.slots[0].offset == 65536 &&
            map.slots[0].size == 960 * 1024, "its record and slot lie where 13.1 says");
}

int main(void) {
  static const uint16_t units[] = {1, 8, 16, 64, 128};
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    for (int erased = 0; erased < 2; erased++) {
      for (uint8_t log2 = 10; log2 <= 14; log2 = (uint8_t)(log2 + 2)) {
        if (MAYDAY_WITH_AB) check_install(true, false, units[i], erased == 0 ? 0xff : 0, log2);
        check_install(false, false, units[i], erased == 0 ? 0xff : 0, log2);
        if (units[i] <= 32 && MAYDAY_WITH_RECORD_MANIFESTS) check_install(false, true, units[i], erased == 0 ? 0xff : 0, log2);
      }
    }
  }
  check_repair();
  check_resume(false);
  if (MAYDAY_WITH_RECORD_MANIFESTS) check_resume(true);
  check_trial_and_quarantine(false);
  check_last_boot();
  check_given_up();
  if (MAYDAY_WITH_AB) {
    check_trial_and_quarantine(true);
    check_way_back();
    check_copy();
  }
  check_admission();
  check_port_floor();
  check_flash_failures();
  check_unreadable();
  check_programmed_once();
  check_joined_ranges();
  check_erases(12, 0);
  check_erases(10, 1);
  check_tail();
  check_starts();
  check_layouts();
  return check_end("boards");
}
