/* The buffer of a UART: from each fill of it, at each place, a frame of each length up to 16 that it has room for, and two for which
 * there is none; in COBS, in the second form, or in both; and a UART that takes any number of bytes. While frames are put in, the draining is
 * stood in for, and looked at alone: from any place, with any number of bytes, so that it is not used there that fewer are left. What makes the second form is stood in for by as many bytes; codec.c of this folder follows it. */
#include "any.h"

#include "fec/coded.h"
#include "link/outbox.h"

#define EXACT_MAX 16u
#define LONGEST (MAYDAY_TX_BYTES - 3u)
#define CODED_MORE 24u

static uint8_t frame[MAYDAY_OUTBOX_FRAME_MAX + 1u];
static mayday_outbox outbox;

/* mayday_outbox_drain, as entries.mjs names it. */
void outbox_drain(mayday_outbox *of, const mayday_port *port);

static size_t any_tx(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  (void)length;
  return (size_t)any32();
}

static const mayday_port port = {.tx = any_tx};

static void any_fill(void) {
  outbox.first = (uint16_t)Frama_C_interval(0, MAYDAY_TX_BYTES - 1);
  outbox.length = (uint16_t)Frama_C_interval(0, MAYDAY_TX_BYTES);
}

void mayday_outbox_drain(mayday_outbox *of, const mayday_port *to) {
  (void)of;
  (void)to;
  any_fill();
}

mayday_coded mayday_coded_for(size_t length, uint8_t mendable) {
  mayday_coded coded;
  coded.mendable = mendable;
  coded.content = (uint16_t)(length + 1u);
  return coded;
}

uint16_t mayday_coded_length(const mayday_coded *coded) {
  return (uint16_t)(coded->content + CODED_MORE - 1u);
}

void mayday_coder_begin(mayday_coder *coder, const uint8_t *bytes, size_t length, uint8_t mendable) {
  (void)mendable;
  //@ assert \valid_read(bytes + (0 .. length - 1));
  (void)bytes;
  coder->at = (uint16_t)(length + CODED_MORE);
}

bool mayday_coder_next(mayday_coder *coder, uint8_t *byte) {
  if (coder->at == 0) return false;
  coder->at--;
  *byte = any8();
  return true;
}

/* A frame at the end of its memory. */
static void send(size_t length) {
  const uint8_t *bytes = frame + sizeof frame - length;
  any_fill();
  outbox.is_coded = any_bool();
  (void)mayday_outbox_send(&outbox, &port, bytes, length);
  any_fill();
  (void)mayday_outbox_send_coded(&outbox, &port, bytes, length, any_bool());
}

int main(void) {
  make_any(frame, sizeof frame);
  make_any(outbox.bytes, sizeof outbox.bytes);
  any_fill();
  outbox_drain(&outbox, &port);
  //@ loop unroll EXACT_MAX + 1;
  for (size_t length = 0; length <= EXACT_MAX; length++) send(length);
  send(LONGEST + 1u);
  send(sizeof frame);
  return 0;
}
