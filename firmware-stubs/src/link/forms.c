#include "link/forms.h"

#include "fec/coded.h"

/* Line that is remembered, in bytes: what is heard before a session is a few frames. */
#define MEMORY_LOG2 11u
#define ONE UINT32_C(65536)
#define PRIOR_WRONG (ONE / 50u)
#define PRIOR_BYTES 700u
/* A step of the memory: 1 - 1/16 in place of exp(-1/16). */
#define STEP 128u
/* The longest part of a damaged run that counts: where one wrong byte is known of, a long run says little about how many. */
#define DAMAGED_MAX 128u

void mayday_forms_init(mayday_forms *forms, bool is_hunting) {
  forms->is_hunting = is_hunting;
  forms->is_peer = false;
  forms->is_copied = true;
  forms->bytes = PRIOR_BYTES;
  forms->wrong = PRIOR_WRONG;
  forms->mended = 0;
  forms->now_bytes = 0;
  forms->now_wrong = 0;
}

/* What is left of a sum behind so many bytes, STEP at most. All sums are below 2^28. */
static uint32_t faded(uint32_t sum, uint32_t bytes) {
  return sum - ((sum >> 4) * bytes >> (MEMORY_LOG2 - 4u));
}

static void note(mayday_forms *forms, uint32_t bytes, uint32_t wrong) {
  for (uint32_t left = bytes; left > 0;) {
    const uint32_t part = left < STEP ? left : STEP;
    left -= part;
    forms->wrong = faded(forms->wrong, part);
    forms->mended = faded(forms->mended, part);
    forms->bytes = (uint16_t)(forms->bytes - (forms->bytes * part >> MEMORY_LOG2) + part);
  }
  forms->wrong += wrong * ONE;
}

/* Messages that may say what their sender hears (3.5). */
static bool says_forms(mayday_frame_kind kind) {
  return kind >= MAYDAY_QUERY && kind <= MAYDAY_OFFER;
}

void mayday_forms_note(mayday_forms *forms, mayday_frame_kind kind, uint8_t said, size_t length) {
  forms->is_copied = true;
  if (forms->now_bytes > 0) {
    note(forms, forms->now_bytes, forms->now_wrong);
    forms->mended += forms->now_wrong * ONE;
    forms->is_peer = true;
    return;
  }
  note(forms, (uint32_t)length, 0);
  if (says_forms(kind)) forms->is_peer = (said >> MAYDAY_FRAME_FORM_REED_SOLOMON & 1u) != 0;
}

void mayday_forms_note_damaged(mayday_forms *forms, size_t length) {
  note(forms, (uint32_t)(length < DAMAGED_MAX ? length : DAMAGED_MAX), 1);
}

bool mayday_forms_hears_badly(const mayday_forms *forms) {
  return forms->wrong > forms->bytes * (ONE / MAYDAY_BAD_ONE_IN);
}

bool mayday_forms_has_mended(const mayday_forms *forms) {
  return forms->mended >= ONE / 2u;
}

uint32_t mayday_forms_wrong_rate(const mayday_forms *forms) {
  const uint32_t rate = forms->wrong / forms->bytes; /* in 1/65536 */
  return rate < ONE / 2u ? rate << 16 : UINT32_C(0x7fffffff);
}

/* Another message soon says as much; all others are waited for when they are lost. */
static bool is_renewed(mayday_frame_kind kind) {
  switch (kind) {
    case MAYDAY_ACK:
    case MAYDAY_GRANT:
    case MAYDAY_BUSY:
    case MAYDAY_QUERY:
    case MAYDAY_BEACON:
    case MAYDAY_DISTRESS:
    case MAYDAY_PROBE:
      return true;
    default:
      return false;
  }
}

mayday_form mayday_forms_choose(mayday_forms *forms, mayday_frame_kind kind, bool is_bad) {
  if (!forms->is_hunting) return MAYDAY_FORM_COBS;
  if (kind == MAYDAY_DISTRESS) {
    /* Who hears a call is not known: a node without the second form takes the frame behind the copy. */
    forms->is_copied = is_bad || !forms->is_copied;
    return forms->is_copied ? MAYDAY_FORM_BOTH : MAYDAY_FORM_COBS;
  }
  return is_bad || (forms->is_peer && !is_renewed(kind)) ? MAYDAY_FORM_CODED : MAYDAY_FORM_COBS;
}

size_t mayday_forms_put(const mayday_forms *forms, mayday_frame_kind kind, uint8_t *bytes, size_t length) {
  if (!forms->is_hunting || !says_forms(kind)) return length;
  bytes[length] = MAYDAY_EXTENSION_TYPE_FORMS;
  bytes[length + 1u] = 1;
  bytes[length + 2u] = 1u << MAYDAY_FRAME_FORM_REED_SOLOMON;
  return length + MAYDAY_FORMS_LENGTH;
}

bool mayday_holds_marker(const uint8_t *frame, size_t length) {
  for (size_t i = 0; i + 4u <= length; i++)
    if (mayday_may_be_marker(frame + i, 4)) return true;
  return false;
}
