/* Which form a frame is sent in, and how many bytes go into a packet (PROTOCOL.md 2.5, "Which form"). */
#include "base/bytes.h"
#include "check.h"
#include "link/form_sizer.h"
#include "link/forms.h"
#include "link/outbox.h"
#include "link/outgoing.h"
#include "wire/cobs.h"

#include <math.h>

static uint32_t the_chance = 1;

/* Below 65536. */
static uint32_t chance(void) {
  the_chance = the_chance * UINT32_C(1664525) + UINT32_C(1013904223);
  return the_chance >> 16;
}

static mayday_forms fresh(bool is_hunting) {
  mayday_forms forms;
  mayday_forms_init(&forms, is_hunting);
  return forms;
}

static void check_choice(void) {
  mayday_forms deaf = fresh(false), forms = fresh(true);
  mayday_forms_note(&deaf, MAYDAY_OFFER, 2, 60);
  CHECK(mayday_forms_choose(&deaf, MAYDAY_DISTRESS, false) == MAYDAY_FORM_COBS, "an end that hears COBS only calls in COBS");
  CHECK(mayday_forms_choose(&deaf, MAYDAY_ACCEPT, false) == MAYDAY_FORM_COBS, "and says all in COBS");
  for (unsigned i = 0; i < 4; i++)
    CHECK(mayday_forms_choose(&forms, MAYDAY_DISTRESS, false) == (i % 2u == 0 ? MAYDAY_FORM_COBS : MAYDAY_FORM_BOTH),
          "every second call that no frame answers has a copy: call %u", i);
  CHECK(mayday_forms_choose(&forms, MAYDAY_ACCEPT, false) == MAYDAY_FORM_COBS, "to a peer that said nothing goes COBS");
  mayday_forms_note(&forms, MAYDAY_OFFER, 2, 60);
  CHECK(mayday_forms_choose(&forms, MAYDAY_DISTRESS, false) == MAYDAY_FORM_COBS, "the first call behind a frame has no copy");
  static const mayday_frame_kind waited_for[] = {MAYDAY_ACCEPT, MAYDAY_REQUEST, MAYDAY_DONE, MAYDAY_OFFER, MAYDAY_DONE_ACK, MAYDAY_BYE};
  static const mayday_frame_kind renewed[] = {MAYDAY_ACK, MAYDAY_GRANT, MAYDAY_BUSY, MAYDAY_QUERY, MAYDAY_BEACON, MAYDAY_PROBE};
  for (unsigned i = 0; i < 6u; i++) {
    CHECK(mayday_forms_choose(&forms, waited_for[i], false) == MAYDAY_FORM_CODED, "what is waited for goes in the second form: %u", waited_for[i]);
    CHECK(mayday_forms_choose(&forms, renewed[i], false) == MAYDAY_FORM_COBS, "what is soon said again goes in COBS: %u", renewed[i]);
    CHECK(mayday_forms_choose(&forms, renewed[i], true) == MAYDAY_FORM_CODED, "but on a bad line: %u", renewed[i]);
  }
  mayday_forms_note(&forms, MAYDAY_ACK, 0, 25);
  CHECK(mayday_forms_both(&forms), "an ack does not say who hears what");
  mayday_forms_note(&forms, MAYDAY_QUERY, 0, 25);
  CHECK(!mayday_forms_both(&forms), "a query without the extension says that its sender does not hunt");
  forms.now_bytes = 56;
  mayday_forms_note(&forms, MAYDAY_QUERY, 0, 0);
  CHECK(mayday_forms_both(&forms), "a frame in the second form shows that its sender does");
}

static void check_hearing(void) {
  mayday_forms forms = fresh(true);
  CHECK(!mayday_forms_hears_badly(&forms) && !mayday_forms_has_mended(&forms), "a fresh line is good");
  mayday_forms_note_damaged(&forms, 40);
  CHECK(mayday_forms_hears_badly(&forms), "a damaged run makes it bad");
  CHECK(!mayday_forms_has_mended(&forms), "and shows nothing that was mended");
  for (unsigned i = 0; i < 800; i++) mayday_forms_note(&forms, MAYDAY_ACK, 0, 25);
  CHECK(!mayday_forms_hears_badly(&forms), "20 KB without a fault make it good again");
  for (unsigned i = 0; i < 200; i++) {
    forms.now_bytes = 250;
    forms.now_wrong = 2;
    mayday_forms_note(&forms, MAYDAY_DATA, 0, 0);
  }
  const double rate = mayday_forms_wrong_rate(&forms) / 4294967296.0;
  CHECK(fabs(rate - 0.008) < 0.001, "two wrong bytes in 250 are 0.008 in one: %.5f", rate);
  CHECK(mayday_forms_has_mended(&forms), "and were mended");
  forms.now_bytes = 1;
  forms.now_wrong = 1;
  for (unsigned i = 0; i < 100000u; i++) mayday_forms_note(&forms, MAYDAY_DATA, 0, 0);
  CHECK(mayday_forms_wrong_rate(&forms) > UINT32_C(0x70000000), "all may be wrong");
}

static void check_exp(void) {
  double worst = 0;
  for (uint32_t x = 0; x < UINT32_C(40) << 16; x += 97u) {
    const double off = fabs(mayday_exp_minus(x) / 1073741824.0 - exp(-(double)x / 65536.0));
    if (off > worst) worst = off;
  }
  CHECK(worst < 2e-4, "the exponential is off by %g at most", worst);
  CHECK(mayday_exp_minus(UINT32_MAX) == 0, "and is 0 for the largest number");
}

/* Wrong bytes that `length` bytes have on a line where one in `one_in` is wrong. */
static unsigned wrong_in(unsigned length, unsigned one_in) {
  unsigned wrong = 0;
  for (unsigned i = 0; i < length; i++) wrong += one_in != 0 && chance() * (uint64_t)one_in < 65536u;
  return wrong;
}

/* Sends packets over a line where one byte in `one_in` is wrong, and each packet is lost besides with a chance of `fatal` in 65536 a
 * byte. Returns the share of the line that was payload which arrived, in the second half. */
static double run_line(mayday_form_sizer *sizer, unsigned packets, unsigned one_in, unsigned fatal) {
  double line = 0, arrived = 0;
  for (unsigned i = 0; i < packets; i++) {
    uint8_t mendable;
    const uint16_t payload = mayday_form_sizer_cut(sizer, 65536, &mendable);
    const uint16_t bytes = mendable == 0 ? (uint16_t)(payload + 10u) : mayday_form_sizer_line(payload, mendable);
    bool is_lost = wrong_in(bytes, fatal == 0 ? 0 : 65536u / fatal) > 0;
    unsigned wrong = 0;
    if (mendable == 0) {
      is_lost |= wrong_in(bytes, one_in) > 0;
    } else {
      const mayday_coded coded = mayday_coded_for(payload + 8u, mendable);
      for (uint8_t j = 0; j < mayday_coded_count(&coded); j++) {
        const unsigned of = wrong_in(mayday_coded_part(&coded, j) + 2u * mendable, one_in);
        wrong += of;
        is_lost |= of > mendable;
      }
    }
    mayday_form_sizer_settle(sizer, payload, mendable, is_lost);
    if (mendable != 0 && !is_lost) mayday_form_sizer_mended(sizer, bytes, (uint16_t)wrong);
    if (i < packets / 2u) continue;
    line += bytes;
    if (!is_lost) arrived += payload;
  }
  return arrived / line;
}

static void check_sizer(void) {
  mayday_form_sizer sizer;
  mayday_form_sizer_init(&sizer);
  mayday_form_sizer_limit(&sizer, 4096, 0);
  CHECK(run_line(&sizer, 400, 0, 0) > 0.99 && sizer.mendable == 0, "a good line has COBS, and large payloads: %u", sizer.payload);
  /* Wrong bytes in one byte: 8e-4, 8e-3, 2.4e-2, as at bit-error rates of 1e-4, 1e-3 and 3e-3. */
  static const struct { unsigned one_in; double least; } bad[] = {{1250, 0.93}, {125, 0.87}, {42, 0.76}};
  for (unsigned i = 0; i < 3u; i++) {
    mayday_form_sizer_init(&sizer);
    mayday_form_sizer_limit(&sizer, 4096, 0);
    const double share = run_line(&sizer, 1000, bad[i].one_in, 0);
    CHECK(sizer.damage.has_mended, "the second form is seen to mend");
    CHECK(share > bad[i].least && sizer.mendable > 0, "one wrong byte in %u: %.3f of the line with t %u and %u bytes", bad[i].one_in, share,
          sizer.mendable, sizer.payload);
  }
  const double worse = run_line(&sizer, 1000, 20, 0);
  CHECK(worse > 0.6, "a line that got worse is followed: %.3f with t %u", worse, sizer.mendable);
  const double better = run_line(&sizer, 1000, 0, 0);
  CHECK(better > 0.98, "and one that got good: %.3f", better);
  mayday_form_sizer_init(&sizer);
  mayday_form_sizer_limit(&sizer, 4096, 0);
  const double lossy = run_line(&sizer, 2000, 0, 40);
  CHECK(lossy > 0.75 && sizer.mendable == 0, "where bytes are lost, which nothing mends, COBS stays: %.3f, t %u", lossy, sizer.mendable);
}

static void check_limits(void) {
  mayday_form_sizer sizer;
  uint8_t mendable;
  mayday_form_sizer_init(&sizer);
  mayday_damage_hint(&sizer.damage, UINT32_C(34359738)); /* 0.008 */
  mayday_form_sizer_limit(&sizer, 256, 0);
  CHECK(mayday_form_sizer_cut(&sizer, 65536, &mendable) <= 256 && mendable > 0, "a hint is taken at once, within the payload");
  CHECK(mayday_form_sizer_cut(&sizer, 1, &mendable) == 1, "one byte is one byte");
  mayday_form_sizer_limit(&sizer, 4096, 150);
  (void)mayday_form_sizer_cut(&sizer, 65536, &mendable);
  CHECK(mendable == 0 || mayday_form_sizer_line(sizer.payload, mendable) <= 150, "no coded frame takes longer than it may");
  mayday_form_sizer_limit(&sizer, 32, 0);
  CHECK(mayday_form_sizer_cut(&sizer, 65536, &mendable) == 32 && mendable == 0, "the smallest payload goes in COBS");
  const uint32_t before = sizer.damage.wrong;
  mayday_damage_hint(&sizer.damage, 1);
  CHECK(sizer.damage.wrong == before, "a hint says nothing once there is evidence");
  /* Whatever comes, the rates stay rates. */
  for (unsigned i = 0; i < 20000u; i++) {
    const uint16_t payload = (uint16_t)(chance() % 4097u);
    if (chance() % 3u == 0) mayday_form_sizer_mended(&sizer, chance() * UINT32_C(9), (uint16_t)chance());
    else mayday_form_sizer_settle(&sizer, payload < 2000 ? payload : 2000, (uint8_t)(chance() % 17u), chance() % 2u == 0);
    if (chance() % 50u == 0) (void)mayday_form_sizer_cut(&sizer, 1u + chance(), &mendable);
    if (sizer.damage.wrong < 1 || sizer.damage.fatal < 1 || sizer.damage.wrong > UINT32_C(1) << 30 || sizer.payload < 32)
      CHECK(false, "after %u fates the rates are %lu and %lu", i, (unsigned long)sizer.damage.wrong, (unsigned long)sizer.damage.fatal);
  }
}

/* A UART that takes so many bytes at once, and so many in all. */
typedef struct uart {
  size_t most, room, length;
  uint8_t bytes[600];
} uart;

static size_t take(void *context, const uint8_t *bytes, size_t length) {
  uart *uart = context;
  if (length > uart->most) length = uart->most;
  if (length > uart->room) length = uart->room;
  memcpy(uart->bytes + uart->length, bytes, length);
  uart->length += length;
  uart->room -= length;
  return length;
}

static size_t coded_bytes(const uint8_t *frame, size_t length, uint8_t mendable, uint8_t *out) {
  mayday_coder coder;
  size_t count = 0;
  mayday_coder_begin(&coder, frame, length, mendable);
  while (mayday_coder_next(&coder, &out[count])) count++;
  return count;
}

static void check_outbox(void) {
  uart uart = {0};
  mayday_port port = {.context = &uart, .tx = take};
  mayday_outbox outbox = {0};
  uint8_t frame[60], expected[300];
  for (unsigned i = 0; i < sizeof frame; i++) frame[i] = (uint8_t)(i * 7u);
  CHECK(mayday_outbox_send(&outbox, &port, frame, 20), "a frame in COBS waits");
  CHECK(mayday_outbox_send_coded(&outbox, &port, frame, 20, true), "one of the second form, with the frame itself, waits behind it");
  const uint16_t waits = outbox.length;
  CHECK(!mayday_outbox_send_coded(&outbox, &port, frame, 60, true), "a third one finds no room");
  CHECK(outbox.length == waits, "and leaves nothing");
  expected[0] = 0;
  size_t length = 1u + mayday_cobs_encode(frame, 20, expected + 1);
  expected[length++] = 0;
  length += coded_bytes(frame, 20, MAYDAY_CONTROL_MENDABLE, expected + length);
  expected[length++] = 0;
  length += mayday_cobs_encode(frame, 20, expected + length);
  expected[length++] = 0;
  uart.most = 7;
  uart.room = sizeof uart.bytes;
  while (outbox.length > 0) mayday_outbox_drain(&outbox, &port);
  CHECK(uart.length == length && memcmp(uart.bytes, expected, length) == 0, "all come out, and no delimiter serves both forms");
}

static void check_outgoing(void) {
  uart uart = {0};
  const mayday_port port = {.context = &uart, .tx = take};
  const mayday_line line = {0};
  mayday_outgoing out = {0};
  uint8_t frame[300], expected[500];
  for (unsigned i = 0; i < sizeof frame; i++) frame[i] = (uint8_t)(i * 11u);
  const size_t length = coded_bytes(frame, sizeof frame, 5, expected);
  mayday_outgoing_begin_coded(&out, frame, sizeof frame, 5);
  CHECK(mayday_outgoing_run(&out, &port, &line) == 0 && out.frame != NULL, "a UART that is busy takes nothing");
  size_t sum = 0;
  uart.most = 3;
  for (unsigned i = 0; i < 1000u && out.frame != NULL; i++) {
    uart.room = 1u + i % 5u;
    sum += mayday_outgoing_run(&out, &port, &line);
  }
  CHECK(out.frame == NULL && sum == length && uart.length == length && memcmp(uart.bytes, expected, length) == 0,
        "in whatever pieces a frame goes out it is whole");
  uart.room = uart.most = 100;
  uart.length = 0;
  mayday_outgoing_begin(&out, frame, 2, true);
  (void)mayday_outgoing_run(&out, &port, &line);
  CHECK(uart.bytes[0] == 0, "a frame in COBS behind one of the second form has a delimiter of its own");
}

static mayday_fault parse(uint8_t *bytes, size_t length, mayday_frame *frame) {
  return mayday_frame_parse(bytes, mayday_frame_close(bytes, length, 0), 0, frame);
}

static void check_extensions(void) {
  mayday_frame frame;
  uint8_t query[64] = {0x10, 0x01};
  CHECK(parse(query, 18, &frame) == MAYDAY_FAULT_NONE && frame.forms == 0, "a query without the extension says no form");
  memcpy(query + 18, "\x02\x01\x09\x07\x02\x02\x09\x07\x01\x04", 10);
  CHECK(parse(query, 28, &frame) == MAYDAY_FAULT_NONE && frame.forms == 2, "the first extension of its kind counts, and its first byte");
  memcpy(query + 18, "\x07\x00", 2);
  CHECK(parse(query, 20, &frame) == MAYDAY_FAULT_NONE && frame.forms == 0, "one without a byte says nothing");
  memcpy(query + 18, "\x07\x02\x02", 3);
  CHECK(parse(query, 21, &frame) == MAYDAY_FAULT_MALFORMED, "one that is cut short is malformed");
  uint8_t ack[64] = {0x01};
  memcpy(ack + 18, "\x08\x02\x34\x12", 4);
  CHECK(mayday_frame_read(ack, 18, &frame) == MAYDAY_FAULT_NONE && !frame.has_mended, "an ack may say nothing of wrong bytes");
  CHECK(mayday_frame_read(ack, 22, &frame) == MAYDAY_FAULT_NONE && frame.has_mended && frame.mended == 0x1234u, "or how many there were");
  memcpy(ack + 18, "\x08\x01\x34", 3);
  CHECK(mayday_frame_read(ack, 21, &frame) == MAYDAY_FAULT_NONE && !frame.has_mended, "one byte says nothing");
}

static void check_marker(void) {
  uint8_t frame[] = {1, 2, 0x1a, 0xcf, 0xfc, 0x1d, 3};
  CHECK(mayday_holds_marker(frame, 7) && !mayday_holds_marker(frame, 5), "a marker is found where it stands");
  frame[3] ^= 0x07u;
  CHECK(mayday_holds_marker(frame, 7), "with three wrong bits, too");
  frame[4] ^= 0x01u;
  CHECK(!mayday_holds_marker(frame, 7) && !mayday_holds_marker(frame, 0), "with four it is none");
}

int main(void) {
  check_choice();
  check_hearing();
  check_exp();
  check_sizer();
  check_limits();
  check_outbox();
  check_outgoing();
  check_extensions();
  check_marker();
  return check_end("forms");
}
