/* The hunter: from each state in which it may be between two calls, any byte or silence, what is found, and a frame kept or refused;
 * the state is one of them again, so this is any number of calls. In room for just the longest frame. The shapes of frames, the marker and the code are stood in for: frames of one to three codewords as short as can be, one that is longer
 * than the room, and codewords that may be mended or not; codec.c follows those. Not followed: that a mended codeword is made what it
 * was from the changes that stand in it. */
#include "any.h"

#include "fec/hunter.h"

#define ROOM 24u
#define PARITY 2u

/* Content, at least 9 bytes as in 2.5, and codewords. */
static const struct {
  uint8_t content, count;
} shapes[4] = {{9, 1}, {10, 2}, {11, 3}, {30, 1}};

static uint8_t held[ROOM];
static mayday_hunter hunter;

bool mayday_coded_read(const uint8_t name[3], mayday_coded *out) {
  //@ assert \valid_read(name + (0 .. 2));
  (void)name;
  unsigned i = (unsigned)Frama_C_interval(0, 3);
  //@ split i;
  out->mendable = PARITY / 2u;
  out->content = shapes[i].content;
  return any_bool();
}

static unsigned shape_of(const mayday_coded *coded) {
  return coded->content == 30u ? 3u : (unsigned)(coded->content - 9u);
}

uint8_t mayday_coded_count(const mayday_coded *coded) {
  return shapes[shape_of(coded)].count;
}

uint8_t mayday_coded_part(const mayday_coded *coded, uint8_t index) {
  uint8_t count = mayday_coded_count(coded);
  //@ assert index < count;
  return (uint8_t)(coded->content / count + (index < coded->content % count ? 1u : 0u));
}

uint16_t mayday_coded_length(const mayday_coded *coded) {
  return (uint16_t)(MAYDAY_SYNC_LENGTH + coded->content + PARITY * mayday_coded_count(coded));
}

bool mayday_may_be_marker(const uint8_t *bytes, size_t length) {
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  return any_bool();
}

uint8_t mayday_mend(uint8_t *codeword, uint8_t length, uint8_t parity, uint8_t *changes) {
  //@ assert parity == PARITY && parity < length;
  //@ assert \valid(codeword + (0 .. length - 1)) && \valid(changes + (0 .. parity - 1));
  make_any(codeword, length);
  make_any(changes, parity);
  return any_bool() ? MAYDAY_UNMENDED : Frama_C_unsigned_char_interval(0, PARITY / 2u);
}

void mayday_unmend(uint8_t *codeword, uint8_t length, uint8_t parity) {
  //@ assert parity == PARITY && parity < length;
  //@ assert \valid(codeword + (0 .. length - 1));
  make_any(codeword, length);
}

static uint16_t need_of(unsigned shape, unsigned codewords) {
  mayday_coded coded = {shapes[shape].content, PARITY / 2u};
  unsigned need = MAYDAY_SYNC_LENGTH;
  for (uint8_t i = 0; i <= codewords; i++) need += mayday_coded_part(&coded, i) + PARITY;
  return (uint16_t)need;
}

/* What holds between two calls. */
static void look_at_state(void) {
  //@ assert hunter.held == &held[0] && hunter.room == ROOM;
  //@ assert hunter.found <= hunter.length <= ROOM;
  if (hunter.frame > 0) {
    //@ assert hunter.found > MAYDAY_SYNC_LENGTH + hunter.frame;
  } else if (hunter.need == 0) {
    //@ assert hunter.codewords == 0;
  } else {
    unsigned shape = shape_of(&hunter.coded);
    //@ assert shape < 3 && hunter.coded.mendable == PARITY / 2 && hunter.found == 0;
    unsigned last = shapes[shape].count - 1u;
    if (!hunter.is_refused) last = hunter.codewords;
    uint16_t need = need_of(shape, last);
    //@ assert hunter.codewords <= shapes[shape].count && hunter.need == need;
  }
}

/* From one state on: a byte or silence, a look, and a frame that is refused. */
static void step(void) {
  if (any_bool()) mayday_hunter_close(&hunter);
  else mayday_hunter_take(&hunter, any8(), any32());
  mayday_find find = mayday_hunter_look(&hunter);
  //@ assert find == MAYDAY_FIND_NOTHING || 0 < hunter.found <= hunter.length;
  if (find == MAYDAY_FIND_FRAME && any_bool()) mayday_hunter_refuse(&hunter);
  look_at_state();
  memset(&hunter, 0, sizeof hunter);
}

static void begin(unsigned length) {
  mayday_hunter_init(&hunter, held, ROOM);
  make_any(held, sizeof held);
  hunter.length = (uint16_t)length;
  hunter.is_closed = any_bool();
}

static void begin_in(unsigned length, unsigned shape, unsigned codewords) {
  begin(length);
  hunter.coded.content = shapes[shape].content;
  hunter.coded.mendable = PARITY / 2u;
  hunter.codewords = (uint8_t)codewords;
  hunter.need = need_of(shape, codewords);
}

int main(void) {
  //@ dynamic_split hunter.length;
  //@ dynamic_split hunter.found;
  //@ dynamic_split hunter.need;
  //@ dynamic_split hunter.codewords;
  for (unsigned length = 0; length <= ROOM; length++) {
    for (unsigned found = 0; found <= length; found++) {
      begin(length);
      hunter.found = (uint16_t)found;
      step();
    }
    for (unsigned shape = 0; shape < 3u; shape++) {
      unsigned count = shapes[shape].count;
      for (unsigned codewords = 0; codewords < count; codewords++) {
        begin_in(length, shape, codewords);
        step();
      }
      unsigned whole = need_of(shape, count - 1u);
      if (length < whole) continue;
      /* A frame that was kept, and one that was refused. */
      begin_in(length, shape, count - 1u);
      hunter.codewords = (uint8_t)count;
      hunter.found = (uint16_t)whole;
      hunter.frame = (uint16_t)(shapes[shape].content - 1u);
      step();
      begin_in(length, shape, count - 1u);
      hunter.codewords = 0;
      hunter.is_refused = true;
      step();
    }
  }
  return 0;
}
