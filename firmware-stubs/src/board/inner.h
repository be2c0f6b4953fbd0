/* What the parts of a board use of one another. */
#ifndef MAYDAY_BOARD_INNER_H
#define MAYDAY_BOARD_INNER_H

#include "board/writer.h"
#include "flash/entry.h"
#include "mayday/board.h"

#define MAYDAY_TRIAL_BOOTS_MAX 3u
#define MAYDAY_ROLE_APP 1u

/* Raises the port's floor to that of the record. */
void mayday_floor_pass_on(const mayday_board *board);

/* An image in a slot. */
typedef struct mayday_image {
  uint8_t slot, area;
  const uint8_t *digest; /* that its manifest has to have; 32 bytes */
  /* What its manifest says, if it was read. */
  bool is_read, is_confirmed_by_app;
  uint32_t counter, size;
  mayday_order order;
} mayday_image;

/* Reads the manifest of an image, and looks whether the slot holds it: 0, or why it does not boot. `failure`: that is known
 * already, and only the manifest is read; 0: it is not. Overwrites the scratch. */
uint8_t mayday_image_check(mayday_board *board, mayday_image *image, uint8_t failure);

/* What the status says of the installed image: NULL for none. */
void mayday_status_install(mayday_board *board, const mayday_image *image);

/* This image boots: makes it the decision, which overwrites the scratch. */
void mayday_decision_take(mayday_board *board, const mayday_image *image);

/* Steps 1 to 5 of 8.4. */
uint8_t mayday_policy_check(const mayday_board *board, uint8_t *envelope, size_t length, mayday_manifest *out,
                            uint32_t *step_max);

/* Whether vendor, class and revision fit. */
bool mayday_hardware_fits(const mayday_board *board, const mayday_manifest *manifest);

/* Adds the event that gives a slot other flags and boots, and raises the floor. */
bool mayday_slot_append(mayday_board *board, uint8_t slot, unsigned flags, uint8_t boots, uint32_t floor);

/* The board stays in distress, as the flash failed; returns false. */
bool mayday_board_give_up(mayday_board *board);

/* The slot, and the area, for an image that is received (13.5). */
uint8_t mayday_slot_choose(const mayday_board *board, const uint8_t digest[32]);
uint8_t mayday_area_choose(const mayday_board *board);

/* A repair unit (13.5). */
typedef struct mayday_unit {
  uint32_t first, end;         /* its blocks: the first, and one past the last of the image */
  mayday_sector_range sectors; /* those that the image reaches into */
  uint32_t offset, past;       /* of their bytes: the first, and one past the last */
  bool is_single;              /* it has room for one block only */
} mayday_unit;

/* The unit of a block of the writer's image. */
void mayday_unit_of(const mayday_writer *writer, uint32_t block, mayday_unit *unit);

/* Whether this run has begun to write it. */
bool mayday_unit_is_touched(const mayday_writer *writer, const mayday_unit *unit);

/* The hash of a leaf in flash. A function of its own, so that its buffers are not on the stack while nodes are hashed. False: it
 * cannot be read. */
bool mayday_slot_leaf(const mayday_board *board, uint32_t offset, uint32_t length, uint8_t out[32]);

/* The hash of a node of what a slot holds. `hashes`: room for 32 bytes a level. False: it cannot be read. */
bool mayday_slot_hash(const mayday_board *board, uint8_t slot, const mayday_shape *shape, uint8_t level, uint32_t index,
                      uint8_t *hashes, uint8_t out[32]);

void mayday_shape_of(const mayday_manifest *manifest, mayday_shape *shape);

/* Stores the manifest of the writer's image, unless it is there for certain (13.3). */
bool mayday_manifest_store(mayday_writer *writer, const uint8_t *envelope, uint16_t length);

/* Closes the sector of the writer's area, once the record names what lies there. */
bool mayday_manifest_close(mayday_writer *writer);

bool mayday_sectors_append(mayday_board *board, const mayday_sector_range *open, const mayday_sector_range *close);

#endif
