/* The I2C mailbox of a peripheral (PROTOCOL.md 10): all of vectors/mailbox-v1.json that is about one, and what byte-by-byte
 * hardware adds. */
#include "mayday/mailbox.h"

#include "base/crc.h"
#include "i2c/mail_in.h"
#include "tests/check.h"
#include "tests/json.h"

#define TRANSACTION 8192u
#define FRAME_MAX MAYDAY_FRAME_MAX
#define HELLO_LENGTH 5u

static uint8_t in_memory[MAYDAY_MAILBOX_IN_ROOM(TRANSACTION, FRAME_MAX)], out_memory[3u * (FRAME_MAX + 3u)];

/* How transactions reach the mailbox: whole, byte by byte, or byte by byte with a length that is not known, where the hardware
 * fetches a byte ahead. */
enum { WHOLE, BYTES, AHEAD, WAYS };
static const char *const way_names[] = {"whole", "byte by byte", "byte by byte, one ahead"};

static void start(mayday_mailbox *mailbox, uint16_t transaction_max, uint16_t frame_max) {
  mayday_mailbox_memory memory = {
      .in = in_memory,
      .in_size = (uint16_t)MAYDAY_MAILBOX_IN_ROOM(transaction_max, frame_max),
      .out = out_memory,
      .out_size = sizeof out_memory,
      .frame_max = frame_max,
      .transaction_max = transaction_max,
  };
  CHECK(mayday_mailbox_init(mailbox, &memory, 0), "a mailbox with enough memory can be made");
}

static bool write_in(mayday_mailbox *mailbox, int way, const uint8_t *bytes, uint16_t length) {
  if (way == WHOLE) return mayday_mailbox_write(mailbox, bytes, length);
  bool is_taken = true;
  mayday_mailbox_write_begin(mailbox);
  for (uint16_t i = 0; i < length && is_taken; i++) is_taken = mayday_mailbox_write_byte(mailbox, bytes[i]);
  mayday_mailbox_end(mailbox, 0);
  return is_taken;
}

static void read_out(mayday_mailbox *mailbox, int way, uint8_t *bytes, uint16_t length) {
  if (way == WHOLE) {
    mayday_mailbox_read(mailbox, bytes, length);
    return;
  }
  mayday_mailbox_read_begin(mailbox, way == BYTES ? length : 0);
  for (uint16_t i = 0; i < length; i++) bytes[i] = mayday_mailbox_read_byte(mailbox);
  if (way == AHEAD) (void)mayday_mailbox_read_byte(mailbox);
  mayday_mailbox_end(mailbox, way == AHEAD ? 1 : 0);
}

static void check_codecs(const json *file) {
  uint8_t bytes[64];
  JSON_EACH(vector, json_get(file, "crc8")) {
    uint8_t crc;
    size_t length = json_hex(json_get(vector, "hex"), bytes, sizeof bytes);
    json_hex(json_get(vector, "crc"), &crc, 1);
    CHECK(mayday_crc8(bytes, length) == crc, "the CRC-8 of %s is wrong", json_text(vector, "hex"));
  }
  static const char *const kinds[] = {"nothing", "first", "next", "hello"};
  JSON_EACH(vector, json_get(file, "firstBytes")) {
    json_hex(json_get(vector, "hex"), bytes, 1);
    const char *kind = json_text(vector, "kind");
    CHECK((bytes[0] & 7) == mayday_crc3(bytes[0]), "the first byte %s is right", json_text(vector, "hex"));
    CHECK(strcmp(kind, kinds[bytes[0] >> 6]) == 0, "the first byte %s is of kind %s", json_text(vector, "hex"), kind);
    CHECK((bytes[0] >> 4 & 3) == (int)json_u64(vector, "number"), "the first byte %s has another number", json_text(vector, "hex"));
    CHECK((bytes[0] >> 3 & 1) == (int)json_u64(vector, "turn"), "the first byte %s has another turn", json_text(vector, "hex"));
  }
  uint8_t wrong[256];
  size_t count = json_hex(json_get(file, "wrongFirstBytesHex"), wrong, sizeof wrong);
  CHECK(count == 224, "224 first bytes are wrong");
  for (size_t i = 0; i < count; i++) CHECK((wrong[i] & 7) != mayday_crc3(wrong[i]), "the first byte %02x is wrong", wrong[i]);
}

/* A status comes from a mailbox that was brought into its state. */
static void check_statuses(const json *file) {
  static mayday_mailbox mailbox;
  uint8_t expected[4], status[4];
  JSON_EACH(vector, json_get(file, "statuses")) {
    const char *state = json_text(vector, "state");
    uint64_t length = json_u64(vector, "length"), turn = json_u64(vector, "turn");
    json_hex(json_get(vector, "hex"), expected, sizeof expected);
    bool is_open = strcmp(state, "open") == 0 || strcmp(state, "busy") == 0;
    /* What no mailbox of this size says: limits outside of 10.1, and frames that it does not hold. */
    start(&mailbox, 1024, FRAME_MAX);
    mailbox.turn = (uint8_t)turn;
    mailbox.state = (uint8_t)(is_open ? 2 : strcmp(state, "greeted") == 0);
    mayday_mailbox_set_busy(&mailbox, strcmp(state, "busy") == 0);
    if (!is_open) mailbox.limit = (uint16_t)length;
    if (is_open) mailbox.mail_out.waiting = (uint16_t)length;
    /* Only a body needs the frames themselves. */
    if (is_open && length > 0) {
      mayday_mailbox_read_begin(&mailbox, 4);
      for (int i = 0; i < 4; i++) status[i] = mayday_mailbox_read_byte(&mailbox);
      mayday_mailbox_end(&mailbox, 0);
    } else {
      mayday_mailbox_read(&mailbox, status, 4);
    }
    CHECK(memcmp(status, expected, 4) == 0, "the status %s, turn %u, length %u is another one: %02x%02x%02x%02x", state,
          (unsigned)turn, (unsigned)length, status[0], status[1], status[2], status[3]);
  }
}

static void check_hellos(const json *file) {
  static mayday_mailbox mailbox;
  uint8_t bytes[64];
  for (int way = WHOLE; way <= BYTES; way++) {
    JSON_EACH(vector, json_get(file, "hellos")) {
      start(&mailbox, 8192, FRAME_MAX);
      uint16_t length = (uint16_t)json_hex(json_get(vector, "hex"), bytes, sizeof bytes);
      write_in(&mailbox, way, bytes, length);
      CHECK(mailbox.state == 1, "the hello %s opens, %s", json_text(vector, "hex"), way_names[way]);
      CHECK(mailbox.controller_limit == json_u64(vector, "limit"), "the hello %s tells its limit, %s", json_text(vector, "hex"),
            way_names[way]);
    }
    JSON_EACH(vector, json_get(file, "wrongHellos")) {
      start(&mailbox, 8192, FRAME_MAX);
      uint16_t length = (uint16_t)json_hex(json_get(vector, "hex"), bytes, sizeof bytes);
      write_in(&mailbox, way, bytes, length);
      CHECK(mailbox.state == 0, "a wrong hello is ignored: %s, %s", json_text(vector, "name"), way_names[way]);
    }
  }
}

static void check_heads(const json *file) {
  static mayday_mailbox mailbox;
  uint8_t hello[HELLO_LENGTH] = {0xc3, 1, 0, 0x20};
  hello[4] = mayday_crc8(hello, 4);
  static uint8_t bytes[FRAME_MAX + 4];
  uint16_t length;
  JSON_EACH(vector, json_get(file, "frameHeads")) {
    uint16_t expected = (uint16_t)json_u64(vector, "length");
    start(&mailbox, 8192, FRAME_MAX);
    mayday_mailbox_write(&mailbox, hello, HELLO_LENGTH);
    memset(bytes, 0x5a, sizeof bytes);
    bytes[0] = 0x54;
    json_hex(json_get(vector, "hex"), bytes + 1, 3);
    mayday_mailbox_write(&mailbox, bytes, (uint16_t)(expected + 4u));
    CHECK(mayday_mailbox_frame(&mailbox, &length) != NULL && length == expected, "a frame of %u bytes is taken", expected);
    /* The same head, written. */
    start(&mailbox, 8192, FRAME_MAX);
    mayday_mailbox_write(&mailbox, hello, HELLO_LENGTH);
    mayday_mailbox_write(&mailbox, (const uint8_t[]){0x07}, 1);
    CHECK(mayday_mailbox_send(&mailbox, bytes + 4, expected), "a frame of %u bytes is queued", expected);
    uint8_t read[8];
    mayday_mailbox_read(&mailbox, read, sizeof read);
    CHECK(memcmp(read + 4, bytes + 1, 3) == 0, "the head of a frame of %u bytes is another one", expected);
  }
  JSON_EACH(vector, json_get(file, "wrongFrameHeads")) {
    start(&mailbox, 8192, FRAME_MAX);
    mayday_mailbox_write(&mailbox, hello, HELLO_LENGTH);
    memset(bytes, 0x5a, sizeof bytes);
    bytes[0] = 0x54;
    json_hex(json_get(vector, "hex"), bytes + 1, 3);
    mayday_mailbox_write(&mailbox, bytes, (uint16_t)sizeof bytes);
    CHECK(mayday_mailbox_frame(&mailbox, &length) == NULL && mailbox.mail_in.length == 0, "no frame has this head: %s",
          json_text(vector, "name"));
  }
}

/* Frames that the link above was given, in order, and how many of them a vector has named. */
static struct {
  uint8_t bytes[8][FRAME_MAX];
  uint16_t lengths[8];
  unsigned count, named;
} delivered;

static void take_frames(mayday_mailbox *mailbox, const char *name) {
  uint16_t length;
  for (const uint8_t *frame; (frame = mayday_mailbox_frame(mailbox, &length)) != NULL; mayday_mailbox_release(mailbox)) {
    CHECK(delivered.count < 8, "%s: more frames are delivered than any vector has", name);
    if (delivered.count >= 8) continue;
    memcpy(delivered.bytes[delivered.count], frame, length);
    delivered.lengths[delivered.count++] = length;
  }
}

static void play_write(mayday_mailbox *mailbox, const json *step, int way) {
  static uint8_t bytes[TRANSACTION];
  uint16_t length = (uint16_t)json_hex(json_get(step, "hex"), bytes, sizeof bytes);
  if (json_find(step, "arrived") != NULL) {
    length = (uint16_t)json_u64(step, "arrived");
    if (length == 0) return;
  }
  write_in(mailbox, way, bytes, length);
}

static void play_read(mayday_mailbox *mailbox, const json *step, int way, const char *name) {
  static uint8_t expected[TRANSACTION], bytes[TRANSACTION];
  if (json_find(step, "hex") == NULL) return;
  uint16_t length = (uint16_t)json_hex(json_get(step, "hex"), expected, sizeof expected);
  read_out(mailbox, way, bytes, length);
  if (way == AHEAD) {
    /* Who does not know where a read ends may give the beginning of a head there, of up to three bytes. */
    for (unsigned i = 1; i <= 3 && i + 4u <= length; i++) {
      if (expected[length - i] != 0xff) break;
      bytes[length - i] = 0xff;
    }
  }
  CHECK(memcmp(bytes, expected, length) == 0, "%s, %s: the read %s brings other bytes: %02x%02x%02x%02x", name, way_names[way],
        json_text(step, "hex"), bytes[0], bytes[1], bytes[2], bytes[3]);
}

static void play(const json *exchange, int way) {
  static mayday_mailbox mailbox;
  static uint8_t frame[FRAME_MAX];
  const char *name = json_text(exchange, "name");
  uint16_t limit = (uint16_t)json_u64(exchange, "peripheralLimit");
  start(&mailbox, limit, FRAME_MAX);
  delivered.count = delivered.named = 0;
  JSON_EACH(step, json_get(exchange, "steps")) {
    const char *what = json_text(step, "do");
    if (strcmp(what, "write") == 0) {
      play_write(&mailbox, step, way);
      take_frames(&mailbox, name);
    } else if (strcmp(what, "read") == 0) {
      play_read(&mailbox, step, way, name);
    } else if (strcmp(what, "peripheralSends") == 0) {
      size_t length = json_hex(json_get(step, "frame"), frame, sizeof frame);
      CHECK(mayday_mailbox_send(&mailbox, frame, length), "%s: a frame has room", name);
    } else if (strcmp(what, "peripheralDelivers") == 0) {
      size_t length = json_hex(json_get(step, "frame"), frame, sizeof frame);
      unsigned i = delivered.named++;
      CHECK(i < delivered.count && delivered.lengths[i] == length && memcmp(delivered.bytes[i], frame, length) == 0,
            "%s, %s: frame %u is not delivered", name, way_names[way], i);
    } else if (strcmp(what, "busy") == 0) {
      mayday_mailbox_set_busy(&mailbox, json_bool(step, "isBusy"));
    } else if (strcmp(what, "restart") == 0) {
      start(&mailbox, limit, FRAME_MAX);
    } else {
      CHECK(strncmp(what, "controller", 10) == 0, "%s: the step %s is known", name, what);
    }
  }
  CHECK(delivered.count == delivered.named, "%s, %s: %u frames are delivered, %u expected", name, way_names[way], delivered.count,
        delivered.named);
}

/* Opens a mailbox for transactions of 64 bytes. */
static void open_small(mayday_mailbox *mailbox, uint16_t frame_max) {
  start(mailbox, 64, frame_max);
  mayday_mailbox_write(mailbox, (const uint8_t[]){0xc3, 1, 0x40, 0, 0xa0}, HELLO_LENGTH);
  mayday_mailbox_write(mailbox, (const uint8_t[]){0x07}, 1);
}

static const uint8_t firsts[4] = {0x42, 0x54, 0x65, 0x73}; /* kind 1, numbers 0 to 3 */

static uint16_t put_frame(uint8_t *at, uint8_t fill, uint8_t length) {
  at[0] = length;
  at[1] = 0;
  at[2] = mayday_crc8(at, 2);
  memset(at + 3, fill, length);
  return (uint16_t)(3u + length);
}

/* A main loop that takes nothing for a while: nothing is lost, nothing written over, and the peripheral says that it is busy. */
static void check_full(bool is_split) {
  static mayday_mailbox mailbox;
  static const uint8_t nexts[4] = {0x86, 0x90, 0xa1, 0xb7};
  unsigned taken = 0, refused = 0;
  open_small(&mailbox, 40);
  uint8_t number = 1, sent = 0, status[4], bytes[64];
  uint16_t written = 0, length;
  for (unsigned turn = 0; turn < 4000; turn++) {
    uint8_t frame[64];
    uint16_t whole = put_frame(frame, sent, (uint8_t)(5 + sent % 36)), part = (uint16_t)(whole - written);
    if (is_split && written == 0) part = (uint16_t)(whole - 1u);
    bytes[0] = written == 0 ? firsts[number] : nexts[number];
    memcpy(bytes + 1, frame + written, part);
    mayday_mailbox_read(&mailbox, status, 4);
    bool is_busy = (status[0] >> 1 & 3) == 3, is_taken = mayday_mailbox_write(&mailbox, bytes, (uint16_t)(part + 1u));
    CHECK(is_busy == !is_taken, "turn %u: a peripheral refuses a write exactly while its status says busy", turn);
    if (is_taken) {
      number = (number + 1) & 3;
      written = (uint16_t)(written + part);
      if (written == whole) {
        written = 0;
        sent++;
      }
    } else {
      refused++;
    }
    if (turn % 5 == 0 || turn % 31 > 25) {
      const uint8_t *first = mayday_mailbox_frame(&mailbox, &length);
      if (first == NULL) continue;
      uint8_t expected = (uint8_t)taken;
      bool is_same = length == 5u + expected % 36u;
      for (uint16_t i = 0; i < length; i++) is_same = is_same && first[i] == expected;
      CHECK(is_same, "frame %u is as it was sent", taken);
      mayday_mailbox_release(&mailbox);
      taken++;
    }
  }
  CHECK(taken > 500 && refused > 100, "frames were taken (%u) and refused (%u)", taken, refused);
}

/* Any bytes whatever: nothing is read or written outside of the mailbox's memory (the sanitizers look), and what is delivered is
 * no longer than was agreed. */
static void check_noise(void) {
  static mayday_mailbox mailbox;
  uint32_t seed = 1;
  unsigned long frames = 0;
  open_small(&mailbox, 40);
  for (unsigned turn = 0; turn < 60000; turn++) {
    uint8_t bytes[100];
    for (unsigned i = 0; i < sizeof bytes; i++) {
      seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
      bytes[i] = (uint8_t)(seed >> 24);
    }
    uint8_t kind = bytes[0] & 7;
    uint16_t length = (uint16_t)(bytes[1] % 90 + 1), at = 0;
    if (kind < 5) {
      bytes[0] = (uint8_t)(bytes[0] & 0xf8);
      bytes[0] = (uint8_t)(bytes[0] | mayday_crc3(bytes[0]));
      /* Heads that are right, of lengths that mostly are too. */
      for (at = 1; kind > 1 && at + 3u < length; at = (uint16_t)(at + 3u + bytes[at] % 60u)) {
        bytes[at] = (uint8_t)(bytes[at] % 60u);
        bytes[at + 1] = 0;
        bytes[at + 2] = mayday_crc8(bytes + at, 2);
      }
      mayday_mailbox_write(&mailbox, bytes, length);
    } else if (kind == 5) {
      mayday_mailbox_read(&mailbox, bytes, length);
    } else if (kind == 6) {
      (void)mayday_mailbox_send(&mailbox, bytes, length);
    } else {
      (void)mayday_mailbox_is_up(&mailbox, turn * 700u);
      const uint8_t *frame = mayday_mailbox_frame(&mailbox, &length);
      if (frame == NULL) continue;
      CHECK(length >= 1 && length <= 40, "a frame of %u bytes is delivered", length);
      mayday_mailbox_release(&mailbox);
      frames++;
    }
    CHECK(mailbox.mail_in.used <= mailbox.mail_in.ring, "more is used than there is");
    CHECK(mailbox.mail_out.waiting <= mailbox.mail_out.size, "more waits than there is room for");
  }
  CHECK(frames > 1000, "noise has frames in it (%lu)", frames);
}

static void check_repeats(void) {
  static mayday_mailbox mailbox;
  uint8_t bytes[64];
  uint16_t length, at;
  /* 54: write 1, begins; 9c..: continues, number 2. */
  open_small(&mailbox, 40);
  bytes[0] = firsts[1];
  at = (uint16_t)(1 + put_frame(bytes + 1, 0x11, 20));
  at = (uint16_t)(at + put_frame(bytes + at, 0x22, 20));
  mayday_mailbox_write(&mailbox, bytes, at);
  mayday_mailbox_write(&mailbox, bytes, at);
  unsigned count = 0;
  while (mayday_mailbox_frame(&mailbox, &length) != NULL) {
    mayday_mailbox_release(&mailbox);
    count++;
  }
  CHECK(count == 2, "two frames of a write that comes twice are delivered once each, not %u", count);

  /* A frame in two writes; the second one comes whole, then again but shorter, when the main loop has the frame. */
  open_small(&mailbox, 40);
  bytes[0] = firsts[1];
  put_frame(bytes + 1, 0x33, 30);
  mayday_mailbox_write(&mailbox, bytes, 14);
  uint8_t rest[32];
  rest[0] = 0xa1;
  memset(rest + 1, 0x33, 20);
  mayday_mailbox_write(&mailbox, rest, 21);
  CHECK(mayday_mailbox_frame(&mailbox, &length) != NULL && length == 30, "a frame of two writes is delivered");
  mayday_mailbox_release(&mailbox);
  mayday_mailbox_write(&mailbox, rest, 11);
  rest[0] = 0xb7;
  mayday_mailbox_write(&mailbox, rest, 11);
  CHECK(mayday_mailbox_frame(&mailbox, &length) == NULL, "what is no longer whole is not delivered again");

  /* A write is missing, and the one behind it comes twice: the frame stays given up. */
  open_small(&mailbox, 40);
  bytes[0] = firsts[1];
  mayday_mailbox_write(&mailbox, bytes, 14);
  rest[0] = 0xb7;
  mayday_mailbox_write(&mailbox, rest, 21);
  mayday_mailbox_write(&mailbox, rest, 21);
  CHECK(mayday_mailbox_frame(&mailbox, &length) == NULL, "what lacks a write is not delivered when the next one is repeated");
}

/* One whole frame of 40 bytes waits, and 39 bytes of another one: 23 bytes are left, fewer than a transaction may have. */
static void check_begun_room(void) {
  static mayday_mailbox mailbox;
  uint8_t bytes[64], status[4];
  open_small(&mailbox, 40);
  put_frame(bytes + 1, 0x11, 40);
  bytes[0] = firsts[1];
  mayday_mailbox_write(&mailbox, bytes, 44);
  mayday_mailbox_read(&mailbox, status, 4);
  CHECK((status[0] >> 1 & 3) == 2, "with one frame the peripheral takes more");
  bytes[0] = firsts[2];
  mayday_mailbox_write(&mailbox, bytes, 43);
  mayday_mailbox_read(&mailbox, status, 4);
  CHECK((status[0] >> 1 & 3) == 3, "a frame that is not whole takes room, too");
}

static void check_long_frames(void) {
  static mayday_mailbox mailbox;
  uint8_t bytes[64];
  uint16_t length;
  open_small(&mailbox, 40);
  bytes[0] = firsts[1];
  uint16_t at = (uint16_t)(1 + put_frame(bytes + 1, 0x44, 41));
  at = (uint16_t)(at + put_frame(bytes + at, 0x55, 6));
  mayday_mailbox_write(&mailbox, bytes, at);
  const uint8_t *frame = mayday_mailbox_frame(&mailbox, &length);
  CHECK(frame != NULL && length == 6 && frame[0] == 0x55, "behind a frame that is too long the next one is delivered");
}

/* Frames of all lengths go round a ring that has hardly room for one. */
static void check_out_room(void) {
  static mayday_mailbox mailbox;
  mayday_mailbox_memory memory = {in_memory, sizeof in_memory, out_memory, MAYDAY_MAILBOX_OUT_MIN - 1u, 40, 64};
  CHECK(!mayday_mailbox_init(&mailbox, &memory, 0), "too little memory for the longest message is refused");
  memory.out_size = MAYDAY_MAILBOX_OUT_MIN;
  memory.transaction_max = 31;
  CHECK(!mayday_mailbox_init(&mailbox, &memory, 0), "transactions of 31 bytes are refused");
  memory.transaction_max = 64;
  memory.in_size = (uint16_t)(MAYDAY_MAILBOX_IN_ROOM(64, 40) - 1);
  CHECK(!mayday_mailbox_init(&mailbox, &memory, 0), "too little memory for frames that come is refused");
  memory.in_size++;
  CHECK(mayday_mailbox_init(&mailbox, &memory, 0), "the least memory is enough");
  mayday_mailbox_write(&mailbox, (const uint8_t[]){0xc3, 1, 0x40, 0, 0xa0}, HELLO_LENGTH);
  uint8_t ack = 0x0c;
  for (unsigned turn = 0; turn < 400; turn++) {
    uint8_t frame[120], read[200];
    size_t length = 1 + turn * 7 % 114;
    memset(frame, (int)(turn & 0xff), sizeof frame);
    memset(out_memory + MAYDAY_MAILBOX_OUT_MIN, 0xa5, 8);
    CHECK(mayday_mailbox_send(&mailbox, frame, length), "a frame of %u bytes has room", (unsigned)length);
    CHECK(!mayday_mailbox_send(&mailbox, frame, 115 - length), "no frame is put where there is no room");
    mayday_mailbox_write(&mailbox, (const uint8_t[]){0x07}, 1);
    mayday_mailbox_read(&mailbox, read, sizeof read);
    bool is_read = read[1] == length + 3 && read[4] == length && memcmp(read + 7, frame, length) == 0;
    CHECK(is_read, "a frame of %u bytes is read", (unsigned)length);
    ack = (read[0] & 1) != 0 ? 0x0c : 0x07;
    mayday_mailbox_write(&mailbox, &ack, 1);
    CHECK(out_memory[MAYDAY_MAILBOX_OUT_MIN] == 0xa5, "nothing is written behind the memory");
  }
}

static void check_up(void) {
  static mayday_mailbox mailbox;
  uint8_t frame[20] = {0}, status[4];
  start(&mailbox, 64, 40);
  CHECK(!mayday_mailbox_is_up(&mailbox, 0), "no controller is there at the start");
  mayday_mailbox_read(&mailbox, status, 4);
  CHECK(!mayday_mailbox_is_up(&mailbox, 10), "a controller that only looks has not greeted");
  open_small(&mailbox, 40);
  CHECK(mayday_mailbox_is_up(&mailbox, UINT32_C(0xfffffff0)), "a hello brings the link up");
  CHECK(mayday_mailbox_send(&mailbox, frame, sizeof frame), "a frame is queued");
  CHECK(mayday_mailbox_is_up(&mailbox, 4983), "4,999 ms of silence are not too long, across the clock's wrap");
  CHECK(!mayday_mailbox_is_up(&mailbox, 4984), "5,000 ms of silence bring the link down");
  mayday_mailbox_read(&mailbox, status, 4);
  CHECK(status[1] == 0 && (status[0] >> 1 & 3) == 2, "frames that waited are dropped, and the mailbox stays open");
  CHECK(mayday_mailbox_is_up(&mailbox, 5000), "the next transaction brings the link up again");
  unsigned count = 0;
  while (mayday_mailbox_send(&mailbox, frame, 5)) count++;
  CHECK(count == 8, "eight small frames may wait, not %u", count);
  open_small(&mailbox, 40);
  count = 0;
  uint8_t longer[120] = {0};
  while (mayday_mailbox_send(&mailbox, longer, sizeof longer)) count++;
  CHECK(count == 2, "two frames may wait with the bytes of two transactions, not %u", count);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  const json *file = json_load(argv[1], "mailbox-v1.json");
  check_codecs(file);
  check_statuses(file);
  check_hellos(file);
  check_heads(file);
  for (int way = WHOLE; way < WAYS; way++) {
    JSON_EACH(exchange, json_get(file, "exchanges")) play(exchange, way);
    JSON_EACH(exchange, json_get(file, "peripheralExchanges")) play(exchange, way);
  }
  check_repeats();
  check_begun_room();
  check_long_frames();
  check_full(false);
  check_full(true);
  check_out_room();
  check_noise();
  check_up();
  return check_end("test_mailbox");
}
