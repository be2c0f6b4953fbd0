/* In which form an end sends everything but data and objects, by what it hears (PROTOCOL.md 2.5). */
#ifndef MAYDAY_LINK_FORMS_H
#define MAYDAY_LINK_FORMS_H

#include "wire/frame.h"

/* Of one line; outlives sessions. */
typedef struct mayday_forms {
  bool is_hunting;   /* this end hears the second form, and says so */
  bool is_peer;      /* the peer does */
  bool is_copied;    /* the last call had a copy in the second form, or a frame came since */
  uint16_t bytes;    /* that were heard, older ones with less weight */
  uint32_t wrong;    /* of them, in 1/65536 */
  uint32_t mended;   /* of these, those that the second form mended */
  /* The frame that is being handled: its bytes on the line, and how many were wrong, in the second form; 0 in COBS. */
  uint16_t now_bytes, now_wrong;
} mayday_forms;

/* Bytes of the extension *forms*. */
#define MAYDAY_FORMS_LENGTH 3u

/* Wrong bytes per byte above which short frames in COBS are lost too often: one in so many. */
#define MAYDAY_BAD_ONE_IN 5000u

void mayday_forms_init(mayday_forms *forms, bool is_hunting);

/* A frame of the peer came, in COBS of so many bytes, or in the second form (`now_bytes`). `said`: the first byte of its extension
 * *forms*, 0 without one. */
void mayday_forms_note(mayday_forms *forms, mayday_frame_kind kind, uint8_t said, size_t length);

/* Bytes came that are no frame, and no text. */
void mayday_forms_note_damaged(mayday_forms *forms, size_t length);

/* Both ends hear the second form. */
static inline bool mayday_forms_both(const mayday_forms *forms) {
  return forms->is_hunting && forms->is_peer;
}

/* Short frames in COBS are lost too often in what is heard. */
bool mayday_forms_hears_badly(const mayday_forms *forms);

/* Wrong bytes are known of, and not lost: some were mended lately. */
bool mayday_forms_has_mended(const mayday_forms *forms);

/* Wrong bytes for each byte that is heard, in 2^-32, below 2^31. */
uint32_t mayday_forms_wrong_rate(const mayday_forms *forms);

/* How a message goes out; both: in the second form, and in COBS behind it. */
typedef enum mayday_form { MAYDAY_FORM_COBS, MAYDAY_FORM_CODED, MAYDAY_FORM_BOTH } mayday_form;

/* The form of a message that goes out now. `is_bad`: the line is bad in either direction, and both ends hear the second form. */
mayday_form mayday_forms_choose(mayday_forms *forms, mayday_frame_kind kind, bool is_bad);

/* Puts the extension *forms* behind a message that says it, if this end hunts; returns the length with it. There has to be room. */
size_t mayday_forms_put(const mayday_forms *forms, mayday_frame_kind kind, uint8_t *bytes, size_t length);

/* Whether a marker stands in a frame. In COBS it might be taken for one of the second form. */
bool mayday_holds_marker(const uint8_t *frame, size_t length);

#endif
